#!/usr/bin/env node
// The program `cellucid-notebook`. Beside the server's bundle, of which it is only the door.
import packageFacts from '../package.json' with { type: 'json' }

const lowest = packageFacts.engines.node.replace('>=', '')
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
const [lowestMajor = 0, lowestMinor = 0] = lowest.split('.').map(Number)
if (major < lowestMajor || (major === lowestMajor && minor < lowestMinor)) {
  // Before anything is loaded that this Node may not even be able to read.
  process.stderr.write(
    `error: cellucid-notebook needs Node.js ${lowest} or later; this is ${process.versions.node} (${process.execPath}).\n`,
  )
  process.exit(69)
}
const { runCommandLine } = await import('./main.ts')
await runCommandLine(process.argv.slice(2))
