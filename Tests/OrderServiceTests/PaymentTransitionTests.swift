import Model
import Testing

@testable import OrderService

@Suite("Money paid for an order")
struct PaymentTransitionTests {
    private func dues(_ transition: OrderTransition) -> [RefundDue] {
        transition.steps.compactMap { step in
            guard case .event(.refundDue(let due)) = step.kind else { return nil }
            return due
        }
    }

    private func pay(_ number: UInt64, _ fen: Int64) -> OrderCommand {
        .pay(Example.payment(number), amount: Money(fen: fen))
    }

    @Test("several payments may complete the price")
    func partial() throws {
        let first = try Example.placed().applying(pay(1, 700), in: Example.context())
        #expect(first.order.status == .placed)
        #expect(first.order.paid.fen == 700)
        #expect(first.shares.map(\.purpose) == [.partial])
        #expect(first.disarmed.isEmpty)
        let second = try first.order.applying(pay(2, 1_300), in: Example.context())
        #expect(second.order.status == .paid)
        #expect(second.order.paid.fen == 2_000)
        #expect(second.shares.map(\.purpose) == [.settles])
        #expect(dues(second).isEmpty)
    }

    @Test("what is too much is due back, once")
    func excess() throws {
        let paid = try Example.placed().applying(pay(1, 2_500), in: Example.context())
        #expect(paid.order.paid.fen == 2_000)
        #expect(paid.shares.map(\.purpose) == [.settles, .excess])
        #expect(dues(paid) == [RefundDue(paymentID: Example.payment(1).id, cause: .excess, amount: Money(fen: 500))])
        let cancelled = try paid.order.applying(.cancel(reason: "x"), in: Example.context())
        #expect(
            dues(cancelled) == [
                RefundDue(paymentID: Example.payment(1).id, cause: .cancelled, amount: Money(fen: 2_000))
            ]
        )
    }

    @Test(
        "paid twice is due back whole",
        arguments: [
            OrderStatus.paid, .accepted, .ready, .pickedUp, .delivered, .completed,
        ]
    )
    func duplicate(status: OrderStatus) throws {
        let order = try Example.order(status)
        let again = try order.applying(pay(2, 2_000), in: Example.context())
        #expect(again.order.status == status)
        #expect(again.order.paid.fen == 2_000)
        #expect(
            dues(again) == [RefundDue(paymentID: Example.payment(2).id, cause: .duplicate, amount: Money(fen: 2_000))]
        )
    }

    @Test("paid after cancellation is due back whole")
    func late() throws {
        let late = try Example.order(.cancelled).applying(pay(2, 2_000), in: Example.context())
        #expect(late.order.status == .cancelled)
        #expect(late.order.paid == .zero)
        #expect(dues(late) == [RefundDue(paymentID: Example.payment(2).id, cause: .late, amount: Money(fen: 2_000))])
    }

    @Test("every way of calling off pays back each payment that counted")
    func callingOff() throws {
        let partly = try Example.placed().applying(pay(1, 700), in: Example.context()).order
        let paid = try partly.applying(pay(2, 1_300), in: Example.context()).order
        let expected = [
            RefundDue(paymentID: Example.payment(1).id, cause: .cancelled, amount: Money(fen: 700)),
            RefundDue(paymentID: Example.payment(2).id, cause: .cancelled, amount: Money(fen: 1_300)),
        ]
        for command in [OrderCommand.cancel(reason: "x"), .reject(reason: "x"), .timeOut(.acceptance)] {
            #expect(dues(try paid.applying(command, in: Example.context())) == expected)
        }
        #expect(dues(try partly.applying(.timeOut(.payment), in: Example.context())) == [expected[0]])
    }

    @Test("nothing is no payment, unless the order costs nothing")
    func nothing() throws {
        #expect(throws: OrderRefusal.nothingPaid) { try Example.placed().applying(pay(1, 0), in: Example.context()) }
        let free = try Example.placed(price: 0).applying(pay(1, 0), in: Example.context())
        #expect(free.order.status == .paid)
        #expect(dues(try free.order.applying(.cancel(reason: "x"), in: Example.context())).isEmpty)
    }
}
