// Writes src/api/schema.d.ts from the API's own description: npm run schema [address of openapi.json]
import { writeFileSync } from 'node:fs'
import openapiTS, { astToString } from 'openapi-typescript'

const source = process.argv[2] ?? 'http://127.0.0.1:18080/openapi.json'
const target = new URL('../src/api/schema.d.ts', import.meta.url)
writeFileSync(target, astToString(await openapiTS(new URL(source))))
console.log(`${target.pathname} from ${source}`)
