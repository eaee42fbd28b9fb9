// What one test asks of Stripe's client for Node: `node scenarios.mjs NAME`, parameters on standard input as JSON, the
// answer on standard output. A refusal is an answer too: the name of its class and what it says.
import Stripe from "stripe";

const { url, key, args } = JSON.parse(await read(process.stdin));
const { hostname, port } = new URL(url);
const stripe = new Stripe(key, { host: hostname, port, protocol: "http", maxNetworkRetries: 0, telemetry: false });
const sessions = stripe.checkout.sessions;

const scenarios = {
  create: ({ params, options }) => sessions.create(params, options),
  retrieve: ({ id, params }) => sessions.retrieve(id, params),
  list: ({ params }) => sessions.list(params),
  listAll: ({ limit }) => sessions.list({ limit }).autoPagingToArray({ limit: 1000 }),
  lineItems: ({ id, params }) => sessions.listLineItems(id, params),
  expire: ({ id }) => sessions.expire(id),
  refund: ({ params, options }) => stripe.refunds.create(params, options),
  refunds: ({ params }) => stripe.refunds.list(params),
  intent: ({ id, params }) => stripe.paymentIntents.retrieve(id, params),
  events: ({ params }) => stripe.events.list(params),
  disputes: ({ params }) => stripe.disputes.list(params),
  unpack: ({ payload, signature, secret }) => stripe.webhooks.constructEvent(payload, signature, secret),
  together: ({ params, options, times }) =>
    Promise.all(Array.from({ length: times }, () => sessions.create(params, options).catch(told))),
};

const answer = await Promise.resolve()
  .then(() => scenarios[process.argv[2]](args))
  .catch(told);
process.stdout.write(JSON.stringify(answer));

function told(error) {
  const { type, message, code, param, statusCode, rawType } = error;
  return { refused: type ?? error.name, message, code, param, statusCode, rawType };
}

async function read(stream) {
  let text = "";
  for await (const chunk of stream) text += chunk;
  return text;
}
