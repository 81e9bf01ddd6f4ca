// Checks the AsyncAPI document DOCUMENT against the JSON Schema of AsyncAPI, and its payload schemas against their draft
// of JSON Schema. Prints the errors as JSON.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const Ajv = require("ajv").default;
const specification = require("@asyncapi/specs/schemas/3.0.0-without-$id.json");

const document = JSON.parse(readFileSync(process.env.DOCUMENT, "utf8"));
const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
const wrong = [];
const validate = ajv.compile(specification);
if (!validate(document)) {
  wrong.push(...validate.errors.map((error) => `${error.instancePath}: ${error.message}`));
}
for (const [name, schema] of Object.entries(document.components.schemas)) {
  if (!ajv.validateSchema(schema)) wrong.push(`${name}: ${ajv.errorsText()}`);
}
console.log(JSON.stringify({ version: document.asyncapi, schemas: Object.keys(document.components.schemas).length, wrong }));
