import Model
import ServiceKit
import Testing

@testable import OrderService

@Suite("The text of an order")
struct OrderTextTests {
    @Test(
        "whatever a string holds, it reads back",
        arguments: [
            "", "plain", "中文 🍜", "a\"b\\c/d", "line\nbreak\ttab\r", "\u{1}\u{1f}\u{7f}",
            String(repeating: "长", count: 500),
        ]
    )
    func strings(string: String) throws {
        let text = JSONWriter.text { writer in
            writer.object { writer in
                writer.member("a", string)
                writer.member("b", Int64.min)
                writer.name("c")
                writer.array { writer in
                    writer.value(string)
                    writer.value(0.1)
                    writer.object { _ in }
                }
                writer.member("d", truth: true)
                writer.member("e", String?.none)
            }
        }
        let expected: JSON = [
            "a": .string(string), "b": .integer(.min), "c": [.string(string), 0.1, [:]], "d": true, "e": .null,
        ]
        #expect(try JSON(parsing: text.bytes) == expected)
    }

    @Test("an order is shown as its schema says, in every state", arguments: OrderStatus.allCases)
    func schema(status: OrderStatus) throws {
        var order = try Example.order(status)
        order.lineFacts[1] = LineFacts(opened: true)
        for role in Role.allCases {
            let text = order.text(for: Actor(role: role, id: "x"))
            #expect(OrderSchemas.order.validate(try JSON(parsing: text.bytes)).isEmpty, "\(role)")
        }
    }
}
