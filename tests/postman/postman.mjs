// node postman.mjs GATEWAY OUTPUT: makes a Postman collection and environment of the three APIs from their OpenAPI documents,
// as the gateway serves them, and runs the collection with newman against it. Exit status 1 if an answer is not as described.
//
// The administrator's name and password come from MARQUEE_ACCOUNTS_ADMIN_USER and _PASSWORD; they are given to newman and not
// written to OUTPUT. Something must be published, so that there are movies to ask for, and a sentiment model.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import newman from "newman";
import converter from "openapi-to-postmanv2";

const APIS = [
  { name: "Recommendations", path: "/openapi.json" },
  { name: "Accounts", path: "/accounts/openapi.json" },
  { name: "Reviews", path: "/reviews/openapi.json" },
];

// What the documents can't say: what comes first and last, and where values come from. By operationId.
const FIRST = ["users", "user_recommendations", "movies", "genres", "popular_by_genre", "live_publication", "login", "register_account", "refresh", "add_movie", "rate_movie", "add_client", "predict", "predict_batch", "feedback", "write_review", "read_review", "change_review", "hide_review", "show_review_again", "vote_helpful", "take_vote_back", "queue_job", "job_state", "job_result"];
const LAST = ["delete_job", "delete_review", "remove_rating", "withdraw_movie", "remove_client", "end_sessions", "remove_account", "oauth_revoke", "logout"];
const SAVED = {
  users: { api_user: "items.0" },
  user_recommendations: { listed_movie: "items.0.movie_id" },
  genres: { genre: "genres.0" },
  popular_by_genre: { rated_movie: "items.0.movie_id" },
  movies: { api_movie: "items.0.movie_id" },
  live_publication: { publication: "publication" },
  login: { access_token: "access_token", refresh_token: "refresh_token", user_id: "user_id" },
  refresh: { access_token: "access_token", refresh_token: "refresh_token" },
  register_account: { new_user_id: "user_id" },
  add_movie: { movie_id: "movie_id" },
  add_client: { client_id: "client_id" },
  oauth_token: { oauth_token: "access_token" },
  predict: { prediction: "prediction" },
  write_review: { review_id: "review_id" },
  queue_job: { job_id: "job_id" },
};
const BODIES = {
  login: { name: "{{admin_name}}", password: "{{admin_password}}" },
  register_account: { name: "Postman {{$randomInt}}{{$timestamp}}", password: "{{$randomUUID}}" },
  refresh: { refresh_token: "{{refresh_token}}" },
  set_password: { current_password: "{{admin_password}}", new_password: "{{admin_password}}" },
  set_role: { role: "user" },
  predict: { text: "A wonderful film, and not a dull minute.", language: "en" },
  predict_batch: { texts: ["A wonderful film.", "지루한 영화"] },
  feedback: { right: true },
  write_review: { text: "A wonderful film, and not a dull minute." },
  change_review: { text: "On second thoughts, a dull film." },
  hide_review: { reason: "Tells the end of the film." },
  recommend_for_newcomer: '{"ratings": [{"movie_id": {{rated_movie}}, "rating": 5}]}',
};
const FORMS = {
  oauth_token: { grant_type: "password", username: "{{admin_name}}", password: "{{admin_password}}" },
  oauth_revoke: { token: "{{oauth_token}}" },
};
// Files of forms, by operationId and field; they are written to OUTPUT.
const FILES = { queue_job: { file: { name: "texts.csv", content: "id,text\n1,A wonderful film.\n2,A dull film.\n" } } };
// Requests that another account sends than the administrator.
const AS_VOTER = ["vote_helpful", "take_vote_back"];
// What a request needs before it is sent: JavaScript, by operationId.
const sent = (lines) => ["const at = pm.variables.get('baseUrl');", "const say = (method, path, body, then, header = {}) => pm.sendRequest({ url: at + path, method, header: { 'Content-Type': 'application/json', ...header }, body: { mode: 'raw', raw: JSON.stringify(body) } }, (error, answer) => then(answer));", ...lines];
const SIGN_IN = "say('POST', '/accounts/v1/login', { name: pm.variables.get('admin_name'), password: pm.variables.get('admin_password') }, (answer) => pm.collectionVariables.set('access_token', answer.json().access_token));";
const BEFORE = {
  // The accounts' requests end with signing out.
  predict: sent([SIGN_IN]),
  vote_helpful: sent([
    "const login = { name: 'Voter ' + Date.now(), password: pm.variables.replaceIn('{{$randomUUID}}') };",
    "say('POST', '/accounts/v1/users', login, () => say('POST', '/accounts/v1/login', login, (answer) => {",
    "  pm.collectionVariables.set('voter_token', answer.json().access_token);",
    "  pm.collectionVariables.set('voter_id', String(answer.json().user_id));",
    "}));",
  ]),
  job_result: [
    "const asked = { url: pm.variables.get('baseUrl') + '/v1/sentiment/jobs/' + pm.variables.get('job_id'), header: { Authorization: 'Bearer ' + pm.variables.get('access_token') } };",
    "const wait = (left) => pm.sendRequest(asked, (error, answer) => { if (left && answer.json().state !== 'finished') setTimeout(() => wait(left - 1), 200); });",
    "wait(100);",
  ],
};
const AFTER = {
  take_vote_back: sent(["say('DELETE', '/accounts/v1/users/' + pm.variables.get('voter_id'), {}, () => {}, { Authorization: 'Bearer ' + pm.variables.get('voter_token') });"]),
};
const ADDRESSES = {
  Recommendations: { user: "{{api_user}}", movie: "{{api_movie}}", name: "{{publication}}", genre: "{{genre}}" },
  Accounts: { user: "{{user_id}}", movie: "{{movie_id}}", client: "{{client_id}}" },
  Reviews: { movie: "{{rated_movie}}", review: "{{review_id}}", prediction: "{{prediction}}", job: "{{job_id}}" },
};
const OTHER_ADDRESSES = {
  explanation: { movie: "{{listed_movie}}" },
  movie_statistics: { movie: "{{rated_movie}}" },
  set_role: { user: "{{new_user_id}}" },
  end_sessions: { user: "{{new_user_id}}" },
  remove_account: { user: "{{new_user_id}}" },
};

function requestsOf(folder) {
  return folder.item ? folder.item.flatMap(requestsOf) : [folder];
}

function operationOf(document, item) {
  const path = "/" + item.request.url.path.map((part) => part.replace(/^:(.*)$/, "{$1}")).join("/");
  const operation = document.paths[path]?.[item.request.method.toLowerCase()];
  if (!operation) throw new Error(`The converter made ${item.request.method} ${path}, which the document does not have.`);
  return operation;
}

function place(operation) {
  const first = FIRST.indexOf(operation.operationId);
  const last = LAST.indexOf(operation.operationId);
  return first >= 0 ? first - FIRST.length : last >= 0 ? last + 1 : 0;
}

function testOf(api, operation) {
  const successes = Object.entries(operation.responses).filter(([status]) => status.startsWith("2"));
  const schema = successes.map(([, answer]) => answer.content?.["application/json"]?.schema).find((found) => found);
  // A first rating is 201, a later one 200: any success will do where one is described.
  const lines = [`pm.test("is answered as described", () => pm.expect(pm.response.code).to.be.within(200, 299));`];
  if (schema) {
    lines.push(
      `const schema = Object.assign(${JSON.stringify(schema)}, {components: JSON.parse(pm.collectionVariables.get("${api} components"))});`,
      `pm.test("has the described shape", () => pm.response.to.have.jsonSchema(schema));`,
    );
  }
  for (const [variable, where] of Object.entries(SAVED[operation.operationId] ?? {})) {
    const value = where.split(".").reduce((text, part) => `${text}[${/^\d+$/.test(part) ? part : JSON.stringify(part)}]`, "pm.response.json()");
    lines.push(`pm.collectionVariables.set("${variable}", String(${value}));`);
  }
  lines.push(...(AFTER[operation.operationId] ?? []));
  return { listen: "test", script: { type: "text/javascript", exec: lines } };
}

function prepared(api, operation, item, root, output) {
  const { request } = item;
  // The service's document says below which path it shows all that it has.
  if (root !== "/") request.url.path.unshift(...root.slice(1).split("/"));
  const id = operation.operationId;
  for (const variable of request.url.variable ?? []) {
    variable.value = OTHER_ADDRESSES[id]?.[variable.key] ?? ADDRESSES[api][variable.key];
  }
  for (const parameter of request.url.query ?? []) parameter.disabled = true;
  if (BODIES[id]) request.body.raw = typeof BODIES[id] === "string" ? BODIES[id] : JSON.stringify(BODIES[id], null, 2);
  if (FILES[id]) request.body.formdata = Object.entries(FILES[id]).map(([key, { name }]) => ({ key, type: "file", src: join(output, name) }));
  if (FORMS[id]) request.body.urlencoded = Object.entries(FORMS[id]).map(([key, value]) => ({ key, value }));
  request.auth = operation.security ? { type: "bearer", bearer: [{ key: "token", value: AS_VOTER.includes(id) ? "{{voter_token}}" : "{{access_token}}", type: "string" }] } : { type: "noauth" };
  const before = BEFORE[id] ? [{ listen: "prerequest", script: { type: "text/javascript", exec: BEFORE[id] } }] : [];
  return { name: item.name, request, response: item.response, event: [...before, testOf(api, operation)] };
}

async function folderOf(gateway, { name, path }, output) {
  const answer = await fetch(gateway + path);
  if (!answer.ok) throw new Error(`${gateway}${path} answered ${answer.status}: is the platform up (make up)?`);
  const document = await answer.json();
  // The converter changes what it is given.
  const options = { parametersResolution: "Example", requestParametersResolution: "Example" };
  const converted = await new Promise((resolve, reject) =>
    converter.convertV2({ type: "json", data: structuredClone(document) }, options, (error, result) => (error ? reject(error) : resolve(result))),
  );
  if (!converted.result) throw new Error(`${path} can't be converted: ${converted.reason}`);
  const items = requestsOf(converted.output[0].data)
    .map((item) => ({ item, operation: operationOf(document, item) }))
    .sort((one, other) => place(one.operation) - place(other.operation))
    .map(({ item, operation }) => prepared(name, operation, item, document.servers?.[0]?.url ?? "/", output));
  const described = Object.values(document.paths).reduce((sum, operations) => sum + Object.keys(operations).length, 0);
  if (items.length !== described) throw new Error(`${path} describes ${described} operations, the collection has ${items.length}.`);
  return { folder: { name, item: items }, components: document.components };
}

const [gateway, output] = process.argv.slice(2);
if (!gateway || !output) {
  console.error("usage: node postman.mjs GATEWAY OUTPUT, such as http://127.0.0.1:8090 .marquee/postman");
  process.exit(64);
}
try {
  mkdirSync(output, { recursive: true });
  for (const { name, content } of Object.values(FILES).flatMap(Object.values)) writeFileSync(join(output, name), content);
  const made = await Promise.all(APIS.map((api) => folderOf(gateway, api, output)));
  const collection = {
    info: { name: "Marquee", schema: "https://schema.getpostman.com/json/collection/v2.1.0/collection.json" },
    item: made.map(({ folder }) => folder),
    variable: made.map(({ folder, components }) => ({ key: `${folder.name} components`, value: JSON.stringify(components) })),
  };
  const values = { baseUrl: gateway, admin_name: process.env.MARQUEE_ACCOUNTS_ADMIN_USER ?? "admin", admin_password: "" };
  const environment = { name: "Marquee", values: Object.entries(values).map(([key, value]) => ({ key, value, enabled: true })) };
  writeFileSync(join(output, "marquee.postman_collection.json"), JSON.stringify(collection, null, 1) + "\n");
  writeFileSync(join(output, "marquee.postman_environment.json"), JSON.stringify(environment, null, 1) + "\n");
  newman.run(
    {
      collection,
      environment,
      envVar: [{ key: "admin_password", value: process.env.MARQUEE_ACCOUNTS_ADMIN_PASSWORD ?? "" }],
      reporters: ["cli", "junit"],
      reporter: { cli: { noBanner: true }, junit: { export: join(output, "newman.xml") } },
      timeoutRequest: 20000,
    },
    (error, summary) => {
      if (error) console.error(String(error));
      process.exit(error || summary.run.failures.length ? 1 : 0);
    },
  );
} catch (error) {
  console.error(`postman: ${error.message}`);
  process.exit(1);
}
