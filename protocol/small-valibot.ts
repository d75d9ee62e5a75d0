/**
 * What browser bundles take for `valibot`: the kinds of schema that a browser reads, each as the function that reads it.
 * It says yes and no where valibot does and gives the same values; only the words for what is wrong, which no browser
 * shows, are left out. Sources import valibot and have its types: a build puts this in its place.
 */
type Read = (input: unknown) => unknown

/** No value that can be sent: the input does not fit. */
const UNFIT = Symbol()

const fitting =
  (fits: (input: unknown) => boolean): Read =>
  (input) =>
    fits(input) ? input : UNFIT

const typed = (name: string) => () => fitting((input) => typeof input === name)
export const string = typed('string')
export const boolean = typed('boolean')
export const number = () => fitting((input) => typeof input === 'number' && !Number.isNaN(input))
export const unknown = () => fitting((input) => input !== undefined)
export const picklist = (values: readonly unknown[]) => fitting((input) => values.includes(input))
export const literal = (value: unknown) => picklist([value])
export const instance = (type: new () => unknown) => fitting((input) => input instanceof type)

export const nullable =
  (read: Read): Read =>
  (input) =>
    input === null ? input : read(input)

export const optional =
  (read: Read, absent?: unknown): Read =>
  (input) =>
    input === undefined ? absent : read(input)

export const fallback =
  (read: Read, otherwise: unknown): Read =>
  (input) => {
    const value = read(input)
    return value === UNFIT ? otherwise : value
  }

export const array = (read: Read) => list((members) => members.map(read))

/** Members beyond the last are left out. */
export const tuple = (reads: readonly Read[]) => list((members) => reads.map((read, i) => read(members[i])))

const list =
  (readAll: (members: unknown[]) => unknown[]): Read =>
  (input) => {
    const values = Array.isArray(input) ? readAll(input) : [UNFIT]
    return values.includes(UNFIT) ? UNFIT : values
  }

/** Members that are not named here are left out. */
export const object = (reads: Record<string, Read>) => members(() => Object.entries(reads))

/** Members that are not named here are kept as they are. */
export const looseObject = (reads: Record<string, Read>) =>
  members((keys) => [...keys.map((key) => [key, (member: unknown) => member] as const), ...Object.entries(reads)])

export const record = (_key: Read, read: Read) =>
  members((keys) => keys.filter((key) => !NO_KEYS.includes(key)).map((key) => [key, read]))

/** Names that would reach into what all objects share. */
const NO_KEYS = ['__proto__', 'prototype', 'constructor']

const members =
  (readsOf: (keys: string[]) => (readonly [key: string, read: Read])[]): Read =>
  (input) => {
    if (typeof input !== 'object' || input === null) return UNFIT
    const found = new Map<string, unknown>(Object.entries(input))
    const values = readsOf([...found.keys()]).map(([key, read]) => [key, read(found.get(key))] as const)
    if (values.some(([, value]) => value === UNFIT)) return UNFIT
    return Object.fromEntries(values.filter(([, value]) => value !== undefined))
  }

/** The first of several that fits; what tells them apart needs no name here. */
export const variant =
  (_key: string, reads: readonly Read[]): Read =>
  (input) => {
    for (const read of reads) {
      const value = read(input)
      if (value !== UNFIT) return value
    }
    return UNFIT
  }

export function safeParse(read: Read, input: unknown): { success: boolean; output: unknown } {
  const output = read(input)
  return { success: output !== UNFIT, output }
}

export const is = (read: Read, input: unknown) => safeParse(read, input).success

/** @throws Error where the input does not fit */
export function parse(read: Read, input: unknown): unknown {
  const { success, output } = safeParse(read, input)
  if (!success) throw new Error('Unexpected shape')
  return output
}
