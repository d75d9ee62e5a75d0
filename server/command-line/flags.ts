import { parseArgs } from 'node:util'
import { nearNames } from '../../data/near-names.ts'
import { UsageError } from './usage-error.ts'

export type FlagKinds = Readonly<Record<string, 'string' | 'boolean'>>
export type Flags<Kinds extends FlagKinds> = {
  -readonly [Name in keyof Kinds]?: Kinds[Name] extends 'string' ? string : boolean
}

/** Short for, with every command. */
const SHORT = { help: 'h', port: 'p', verbose: 'v' } as const

/**
 * Flags and paths of one command; the last of a flag counts.
 * @throws UsageError that names the flag that is not known, with the nearest ones, or that lacks its value
 */
export function parseFlags<Kinds extends FlagKinds>(
  argv: readonly string[],
  kinds: Kinds,
): { flags: Flags<Kinds>; paths: string[] } {
  const options = Object.fromEntries(Object.entries(kinds).map(([name, type]) => [name, { type, ...shortOf(name) }]))
  const { tokens } = parseArgs({ args: [...argv], options, strict: false, allowPositionals: true, tokens: true })
  const flags: Record<string, string | boolean> = {}
  const paths: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') paths.push(token.value)
    if (token.kind === 'option') flags[token.name] = flagValue(token, kinds)
  }
  // Each value was made for the kind that its name has.
  return { flags: flags as Flags<Kinds>, paths }
}

function shortOf(name: string): { short?: string } {
  return Object.hasOwn(SHORT, name) ? { short: SHORT[name as keyof typeof SHORT] } : {} // checked just before
}

type OptionToken = { name: string; rawName: string; value?: string | undefined }

function flagValue({ name, rawName, value }: OptionToken, kinds: FlagKinds): string | boolean {
  const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined
  if (kind === undefined) {
    const near = nearNames(name, Object.keys(kinds), 2).map((each) => `--${each}`)
    throw new UsageError(
      `There is no flag ${rawName}.${near.length === 0 ? '' : ` Did you mean ${near.join(' or ')}?`}`,
    )
  }
  if (kind === 'boolean') {
    if (value === undefined) return true
    throw new UsageError(`${rawName} takes no value; found "${value}".`)
  }
  if (value === undefined || value === '') throw new UsageError(`${rawName} needs a value after it.`)
  return value
}
