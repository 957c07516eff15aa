import ServiceKit

/// The faults of a line, as they are found.
struct FaultList {
    private(set) var all: [Fault] = []

    mutating func add(_ pointer: String, _ detail: String) {
        all.append(Fault(pointer, detail))
    }

    /// What `body` reads, or nil and its faults, their pointers beginning at `place`.
    mutating func gather<Value>(at place: String = "", _ body: () throws(Problem) -> Value) -> Value? {
        do throws(Problem) {
            return try body()
        } catch {
            all += error.faults.map { Fault(place + $0.pointer, $0.detail) }
            return nil
        }
    }
}
