/// A dish of a canteen stall.
struct Dish: Sendable, Hashable {
    let sku: String
    let name: String
    let category: String
    let unitPriceFen: Int64
}

/// A canteen stall with what it cooks.
struct Stall: Sendable, Hashable {
    let name: String
    let dishes: [Dish]

    /// The stalls of the demo campus's second canteen.
    static let all: [Stall] = [
        Stall(
            name: "一食堂米粉",
            dishes: [
                Dish(sku: "noodle-beef", name: "牛肉米粉", category: "noodles", unitPriceFen: 1_450),
                Dish(sku: "noodle-sour", name: "酸辣粉", category: "noodles", unitPriceFen: 1_050),
                Dish(sku: "egg-braised", name: "卤蛋", category: "sides", unitPriceFen: 200),
            ]
        ),
        Stall(
            name: "二楼麻辣香锅",
            dishes: [
                Dish(sku: "hotpot-mixed", name: "麻辣香锅", category: "hotpot", unitPriceFen: 2_680),
                Dish(sku: "rice-steamed", name: "米饭", category: "sides", unitPriceFen: 150),
            ]
        ),
        Stall(
            name: "紫荆奶茶",
            dishes: [
                Dish(sku: "tea-pearl", name: "珍珠奶茶", category: "drinks", unitPriceFen: 1_199),
                Dish(sku: "tea-lemon", name: "手打柠檬茶", category: "drinks", unitPriceFen: 1_300),
            ]
        ),
        Stall(
            name: "清真拉面",
            dishes: [
                Dish(sku: "ramen-beef", name: "牛肉拉面", category: "noodles", unitPriceFen: 1_600),
                Dish(sku: "skewer-lamb", name: "羊肉串", category: "grill", unitPriceFen: 333),
            ]
        ),
        Stall(
            name: "桃李盖饭",
            dishes: [
                Dish(sku: "rice-pork", name: "鱼香肉丝盖饭", category: "rice", unitPriceFen: 1_590),
                Dish(sku: "rice-tomato", name: "番茄炒蛋盖饭", category: "rice", unitPriceFen: 1_190),
                Dish(sku: "soup-seaweed", name: "紫菜蛋花汤", category: "soup", unitPriceFen: 300),
            ]
        ),
        Stall(
            name: "轻食沙拉",
            dishes: [
                Dish(sku: "salad-chicken", name: "鸡胸沙拉", category: "salad", unitPriceFen: 2_299),
                Dish(sku: "juice-orange", name: "鲜榨橙汁", category: "drinks", unitPriceFen: 990),
            ]
        ),
    ]
}
