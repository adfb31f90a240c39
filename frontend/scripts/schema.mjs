// Writes src/api/schema.d.ts from the API's own description:
//   npm run schema [address or file of openapi.json]
import { writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import openapiTS, { astToString } from 'openapi-typescript'

const source = process.argv[2] ?? 'http://127.0.0.1:18080/openapi.json'
const target = new URL('../src/api/schema.d.ts', import.meta.url)
const head = '// Made by `npm run schema` from the OpenAPI document of the API; not to be edited.\n\n'
const types = astToString(await openapiTS(/^https?:/.test(source) ? new URL(source) : pathToFileURL(source)))
writeFileSync(target, head + types)
console.log(`${target.pathname} from ${source}`)
