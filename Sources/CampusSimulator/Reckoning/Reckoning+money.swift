extension Reckoning {
    /// Every fen paid is kept or refunded, for each order what its story says; and no refund is left unsettled.
    static func money(_ account: Account) -> Check {
        let booked = sums(account.payments.map { ($0.orderNumber, $0.fen) })
        let refunded = sums(account.refunds.filter { $0.status == "succeeded" }.map { ($0.orderNumber, $0.fen) })
        let unsettled = account.refunds.filter { $0.status != "succeeded" && $0.status != "closed" }
        let moving = sums(unsettled.map { ($0.orderNumber, $0.fen) })
        var differences = unsettled.map { refund in
            "order \(refund.orderNumber): refund \(refund.id) of \(refund.fen) fen is still \(refund.status)"
        }
        var kept: Int64 = 0
        for order in account.orders {
            let number = order.plan.number
            let paid = booked[number] ?? 0
            if order.paidFen != paid {
                differences.append("order \(number): the till took \(paid) fen, the service says \(order.paidFen)")
            }
            let (owed, difference) = owedBack(order, paid: paid, account)
            if let difference { differences.append(difference) }
            kept += paid - owed
            let back = (refunded[number] ?? 0) + (moving[number] ?? 0)
            if back != owed {
                differences.append(
                    "order \(number) (\(order.plan.story.rawValue)): \(owed) fen owed back, \(back) refunded or in flight"
                )
            }
        }
        let sum = kept + total(refunded) + total(moving)
        if total(booked) != sum {
            differences.append("paid \(total(booked)) fen, but kept, refunded and in flight make \(sum)")
        }
        return Check(
            title: "款项 money",
            summary: "paid \(yuan(total(booked))) = kept \(yuan(kept)) + refunded \(yuan(total(refunded))) "
                + "+ in flight \(yuan(total(moving)))",
            differences: differences
        )
    }

    /// What must go back for an order, and what is wrong with what its student was told.
    ///
    /// Students ask for whole orders: what is approved follows from the order's price, and what is approved in part is what
    /// the agent ruled, whatever the service says that it granted.
    private static func owedBack(
        _ order: Account.Order,
        paid: Int64,
        _ account: Account
    ) -> (fen: Int64, difference: String?) {
        let number = order.plan.number
        let asked = account.cases.filter { $0.orderNumber == number && !$0.isSystem }
        switch order.plan.story.money {
        case .kept: return (0, nil)
        case .returned: return (paid, nil)
        case .excessReturned: return (paid - order.payableFen, nil)
        case .granted(let grant):
            let owed =
                switch grant {
                case .everything: order.payableFen
                case .goods: order.payableFen - order.plan.deliveryFen
                case .part: account.rulings.reduce(0) { $0 + ($1.orderNumber == number ? $1.fen : 0) }
                case .nothing: Int64(0)
                }
            if asked.count == 1, asked[0].verdict == grant.verdict, asked[0].approvedFen == owed {
                return (owed, nil)
            }
            let told = asked.map { "\($0.verdict ?? "nothing") \($0.approvedFen) fen" }
            return (
                owed,
                "order \(number) (\(order.plan.story.rawValue)): should be \(grant.verdict) \(owed) fen, was told \(told)"
            )
        }
    }

    private static func sums(_ amounts: [(Int, Int64)]) -> [Int: Int64] {
        Dictionary(amounts, uniquingKeysWith: +)
    }

    private static func total(_ sums: [Int: Int64]) -> Int64 {
        sums.values.reduce(0, +)
    }
}

/// Fen as people write money.
func yuan(_ fen: Int64) -> String {
    let cents = abs(fen % 100)
    return "\(fen < 0 ? "-" : "")¥\(abs(fen / 100)).\(cents < 10 ? "0" : "")\(cents)"
}
