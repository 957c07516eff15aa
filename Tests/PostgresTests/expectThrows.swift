import Testing

/// Expects that `body` throws an error of this type.
///
/// A function where a macro would do: closures within `#expect` and closures beside it, in one closure of a session, were
/// taken for one another by the compiler (Swift 6.3.1, without optimization).
func expectThrows<Failure: Error, Value>(
    _ type: Failure.Type,
    sourceLocation: SourceLocation = #_sourceLocation,
    _ body: () throws -> Value
) {
    do {
        _ = try body()
        Issue.record("nothing was thrown", sourceLocation: sourceLocation)
    } catch is Failure {
        return
    } catch {
        Issue.record(error, sourceLocation: sourceLocation)
    }
}
