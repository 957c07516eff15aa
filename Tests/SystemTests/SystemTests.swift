import Testing

/// The real executables on clusters of their own, one test at a time: each needs the machine for itself.
@Suite("The whole system", .serialized)
struct SystemTests {}
