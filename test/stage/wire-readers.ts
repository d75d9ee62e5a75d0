import { readdirSync } from 'node:fs'

type Schema = {
  kind: 'schema'
  type: string
  entries?: Record<string, Schema>
  options?: readonly unknown[]
  wrapped?: Schema
  item?: Schema
  items?: readonly Schema[]
  value?: Schema
  literal?: unknown
  pipe?: readonly Schema[]
  getter?: () => Schema
}

/** A key of a message, or a kind of message: `path` says where. */
export type Place = { path: string; word: string; isKind: boolean }
export type Source = { text: string; isPython: boolean }

/** Every schema that a module of protocol/ exports, by its name. */
export async function schemasOf(root: string): Promise<Map<string, Schema>> {
  const found = new Map<string, Schema>()
  for (const file of readdirSync(`${root}protocol`).filter((name) => name.endsWith('.ts'))) {
    const module: Record<string, unknown> = await import(`${root}protocol/${file}`)
    for (const [name, value] of Object.entries(module)) if (isSchema(value)) found.set(name, value)
  }
  return found
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'schema'
}

/** All keys below a schema, and the kinds that it tells apart. @param others schemas that are looked at by themselves */
export function keysOf(schema: Schema, others: ReadonlySet<unknown>, path = '', isOneOfSeveral = false): Place[] {
  if (others.has(schema)) return []
  const below = (inner: Schema | undefined, at = path) => (inner === undefined ? [] : keysOf(inner, others, at))
  const kind = Object.entries(schema.entries ?? {}).find(([, { literal }]) => literal !== undefined)
  const here = kind === undefined ? path : `${path}<${String(kind[1].literal)}>`
  return [
    ...(kind === undefined || !isOneOfSeveral ? [] : [{ path: here, word: String(kind[1].literal), isKind: true }]),
    ...Object.entries(schema.entries ?? {}).flatMap(([word, inner]) => {
      const at = `${here}.${word}`
      return [{ path: at, word, isKind: false }, ...below(inner, at)]
    }),
    ...(schema.options ?? []).filter(isSchema).flatMap((option) => keysOf(option, others, path, true)),
    ...(schema.items ?? []).flatMap((item) => below(item)),
    ...below(schema.wrapped),
    ...below(schema.item, `${path}[]`),
    ...below(schema.value),
    ...(schema.pipe ?? [])
      .filter((part) => part !== schema && isSchema(part))
      .flatMap((part) => (part.pipe ? [] : below(part))),
    ...below(schema.getter?.()),
  ]
}

/** Whether code reads this key, or tells this kind apart. To write it, to declare it or to speak of it is not to read it. */
export function isNamed({ word, isKind }: Place, { text, isPython }: Source): boolean {
  return isPython ? isReadByPython(word, isKind, text) : isReadByTypeScript(word, isKind, text)
}

function isReadByPython(word: string, isKind: boolean, text: string): boolean {
  const code = text.replace(/^ *#.*$/gm, '')
  const quoted = `["']${word.replaceAll('.', '\\.')}["']`
  const kind = `case [^:\\n]*${quoted}|[!=]= ${quoted}|^ +${quoted}: "`
  const key = `\\[${quoted}\\](?! = )|\\.(?:get|pop)\\(\\s*${quoted}|${quoted} in |case [^\\n]*${quoted}:|itemgetter\\([^)]*${quoted}`
  return new RegExp(isKind ? kind : key, 'm').test(code)
}

function isReadByTypeScript(word: string, isKind: boolean, text: string): boolean {
  const code = text.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '').replace(/^import [\s\S]*? from .*$/gm, '')
  const name = word.replaceAll('.', '\\.')
  if (isKind) return new RegExp(`(?:case|[!=]==) '${name}'|'${name}'\\)|\\b${name}: \\(`).test(code)
  const member = `\\??\\.${name}\\b(?! = )`
  const shorthand = `(?<![.'\\w])${name}\\b(?=[,} ])(?! =>)(?! = )`
  const renamed = `\\b${name}: [a-z]\\w*[^{};]*\\}\\s*(?:= \\w|: \\w|\\) =>|of )`
  return new RegExp(`${member}|${shorthand}|${renamed}|'${name}' in |\\['${name}'\\]`).test(code)
}
