// Fails when the first load of a page is over its limit: every file the page needs before it is whole,
// gzipped, whichever page is opened first.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

const LIMIT_KIB = 300
const DIST = new URL('../dist/', import.meta.url).pathname
const manifest = JSON.parse(readFileSync(join(DIST, '.vite/manifest.json'), 'utf8'))

function closure(name, files = new Set()) {
  const chunk = manifest[name]
  if (files.has(chunk.file)) return files
  files.add(chunk.file)
  for (const css of chunk.css ?? []) files.add(css)
  for (const next of chunk.imports ?? []) closure(next, files)
  return files
}

const gzipped = (file) => gzipSync(readFileSync(join(DIST, file)), { level: 9 }).length
const entry = closure('index.html')
const pages = Object.keys(manifest).filter((name) => /^src\/.*Page\.tsx$/.test(name))
if (pages.length === 0) throw new Error('the manifest names no page')

let over = false
for (const page of pages) {
  const files = [...new Set([...entry, ...closure(page), 'index.html'])]
  const kib = files.reduce((sum, file) => sum + gzipped(file), 0) / 1024
  over ||= kib > LIMIT_KIB
  console.log(`${kib.toFixed(1).padStart(7)} KiB of ${LIMIT_KIB}  ${page} (${files.length} files)`)
}
if (over) {
  console.error(`A first load is over ${LIMIT_KIB} KiB.`)
  process.exit(1)
}
