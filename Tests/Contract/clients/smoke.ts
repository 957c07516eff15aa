// A client that openapi-generator made of docs/integrate/openapi.json, used as its types say.
import {
    AfterSalesOptions, CaseOpeningKindEnum, CaseOpeningReasonEnum, CasesApi, Configuration, InboxApi, OrdersApi,
    PayOrderChannelEnum, PaymentsApi, ProblemFromJSON, ResponseError, WebhooksApi,
} from "./generated";

declare const process: { env: Record<string, string | undefined>; exitCode: number };

const at = (service: string) =>
    new Configuration({ basePath: process.env[service], accessToken: process.env.PLATFORM_KEY });
const orders = new OrdersApi(at("ORDER_URL"));
const payments = new PaymentsApi(at("ORDER_URL"));
const cases = new CasesApi(at("AFTER_SALES_URL"));
const inbox = new InboxApi(at("NOTIFY_URL"));
const webhooks = new WebhooksApi(at("NOTIFY_URL"));

const once = () => `typescript-${Date.now()}-${Math.random()}`;
function demand(holds: boolean, what: string): asserts holds {
    if (!holds) throw new Error(what);
}

async function main(): Promise<void> {
    const xActor = "customer:stu_typescript";
    const idempotencyKey = once();
    const request = {
        idempotencyKey,
        xActor,
        placeOrder: {
            externalId: once(),
            customer: { id: "stu_typescript" },
            merchant: { id: "mer_typescript", name: "一食堂米粉" },
            lines: [{ sku: "n1", name: "牛肉米粉", category: "noodles", unitPriceFen: 1450, quantity: 2 }],
            dropoff: { address: "紫荆公寓 3 号楼" },
            promisedAt: new Date(Date.now() + 1_800_000),
        },
    };
    const order = await orders.placeOrder(request);
    demand(order.totals.payableFen === 2900, "the order costs what its lines cost");
    const again = await orders.placeOrderRaw(request);
    demand((await again.value()).id === order.id, "the same key is the same order");
    demand(again.raw.headers.get("Idempotent-Replayed") === "true", "and says so");

    const paid = await payments.payOrder({
        id: order.id,
        idempotencyKey: once(),
        payOrder: {
            channel: PayOrderChannelEnum.Sandbox,
            transactionId: once(),
            amountFen: order.totals.payableFen,
            paidAt: order.times.placedAt,
        },
    });
    demand(paid.status === "paid" && paid.times.paidAt instanceof Date, "the order is paid");
    await orders.acceptOrder({ id: order.id, idempotencyKey: once(), acceptOrder: {} });

    const options: AfterSalesOptions = await cases.getAfterSalesOptions({ orderId: order.id, xActor });
    demand(options.refundableFen === 2900, "all of it can be asked for");
    const opened = await cases.openCase({
        idempotencyKey: once(),
        xActor,
        caseOpening: {
            orderId: order.id,
            kind: CaseOpeningKindEnum.Refund,
            reason: CaseOpeningReasonEnum.Quality,
            lines: [{ lineNo: 1, quantity: 1 }],
        },
    });
    demand((await cases.getCase({ id: opened.id, xActor })).requestedFen === 1450, "one bowl was asked for");

    let told: string[] = [];
    for (let attempt = 0; attempt < 50 && !told.includes("case.opened"); attempt += 1) {
        const page = await inbox.readInbox({ after: String(0), waitS: 1, xActor });
        told = page.items.map((item) => item.type);
    }
    demand(told.includes("order.placed") && told.includes("case.opened"), `the inbox told ${told}`);
    demand(Array.isArray((await webhooks.listWebhookEndpoints()).items), "endpoints are listed");

    try {
        await orders.getOrder({ id: "01957e00-0000-7000-8000-000000000001" });
        demand(false, "an order that is not there was found");
    } catch (error) {
        demand(error instanceof ResponseError, `${error}`);
        const problem = ProblemFromJSON(await error.response.json());
        demand(problem.code === "not-found" && problem.status === 404, "a problem says what it is");
    }
}

main().catch((error) => {
    console.error(error);
    process.exitCode = 1;
});
