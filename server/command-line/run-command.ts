import { existsSync } from 'node:fs'
import { nearNames, quoted } from '../../data/near-names.ts'
import packageFacts from '../../package.json' with { type: 'json' }
import { codeOf, messageOf, ProtocolError } from '../../protocol/errors.ts'
import { CacheRefusedError } from '../hosted-ui/cache/cache-folder.ts'
import { surroundings } from '../process/config.ts'
import { EXIT_DATA, EXIT_NO_INPUT, EXIT_SOFTWARE, EXIT_UNAVAILABLE, EXIT_USAGE } from '../process/exit-status.ts'
import { PortTakenError } from '../process/listen.ts'
import { cache } from './cache.ts'
import { doctor } from './doctor.ts'
import { serve } from './serve/serve.ts'
import { inWordsOfFlags } from './serve/serve-options.ts'
import { Terminal } from './terminal.ts'
import { HELP, HELP_OF } from './usage.ts'
import { UsageError } from './usage-error.ts'

/** @returns false where it was done and is not good news */
type Command = (argv: readonly string[], terminal: Terminal) => Promise<boolean>

const COMMANDS: Readonly<Record<string, Command>> = {
  serve: (argv, terminal) => serve(argv, terminal, surroundings()),
  doctor: (argv, terminal) => doctor(argv, terminal, surroundings()),
  cache,
}

/** Run one command to its end. @returns the status to exit with */
export async function runCommand(argv: readonly string[], terminal = new Terminal()): Promise<number> {
  const [name, ...rest] = argv
  try {
    if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
      terminal.say(helpOf(rest[0]))
    } else if (name === '--version' || name === '-V') {
      terminal.say(packageFacts.version)
    } else if (rest.some((word) => word === '--help' || word === '-h')) {
      terminal.say(helpOf(name))
    } else {
      return (await commandNamed(name)(rest, terminal)) ? 0 : 1
    }
    return 0
  } catch (error) {
    terminal.complain('error', sentenceOf(error))
    if (error instanceof UsageError) terminal.tell('cellucid-notebook --help says what there is.')
    return statusOf(error)
  }
}

function helpOf(name: string | undefined): string {
  return (name === undefined ? undefined : HELP_OF[name]) ?? HELP
}

function commandNamed(name: string): Command {
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (command !== undefined) return command
  if (existsSync(name)) throw new UsageError(`To show ${quoted(name)}: cellucid-notebook serve ${name}`)
  const near = nearNames(name, Object.keys(COMMANDS), 1).map((each) => ` Did you mean ${quoted(each)}?`)
  throw new UsageError(`There is no command ${quoted(name)}.${near.join('')}`)
}

function sentenceOf(error: unknown): string {
  if (error instanceof UsageError || error instanceof PortTakenError || error instanceof CacheRefusedError) {
    return error.message
  }
  if (error instanceof ProtocolError) return inWordsOfFlags(error.message)
  if (isNoAddress(error)) return NO_SUCH_ADDRESS
  return `Something went wrong that has no words yet: ${messageOf(error)}`
}

/** What was named is not an address to listen on. */
function isNoAddress(error: unknown): boolean {
  const code = codeOf(error)
  return code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND' || code === 'EAI_AGAIN'
}

const NO_SUCH_ADDRESS =
  '--host takes an address or a name of this machine; this is none. 0.0.0.0 stands for all of them.'

function statusOf(error: unknown): number {
  if (error instanceof UsageError) return EXIT_USAGE
  if (error instanceof ProtocolError) return error.code === 'not_found' ? EXIT_NO_INPUT : EXIT_DATA
  const isElsewhere = error instanceof PortTakenError || error instanceof CacheRefusedError || isNoAddress(error)
  return isElsewhere ? EXIT_UNAVAILABLE : EXIT_SOFTWARE
}
