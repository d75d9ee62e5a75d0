import * as v from 'valibot'
import { DataError } from '../data-source.ts'
import { rewriteText } from '../python-text.ts'
import type { ValueType } from '../stored-tree.ts'
import { CODEC_NAMES } from './zarr-codecs.ts'
import type { ZarrNode } from './zarr-nodes.ts'

/** Shape, shape of a chunk as it is unpacked (within a shard: of the inner one), and type. */
export type ArrayLayout = { shape: readonly number[]; chunks: readonly number[]; type: ValueType }

/** As of HDF5: a chunk is unpacked whole. */
const MAX_CHUNK_BYTES = 128 << 20
/** For each chunk of a shard its place and length. */
const MAX_INDEX_CHUNKS = 1 << 22
const MAX_AXES = 8

const sizes = v.pipe(v.array(v.pipe(v.number(), v.safeInteger(), v.minValue(0))), v.maxLength(MAX_AXES))
const codec = v.looseObject({ name: v.string(), configuration: v.optional(v.record(v.string(), v.unknown())) })
const shardSchema = v.object({ chunk_shape: sizes, codecs: v.array(codec), index_codecs: v.array(codec) })
const schema3 = v.object({
  shape: sizes,
  data_type: v.union([v.string(), v.looseObject({ name: v.string() })]),
  chunk_grid: v.object({ name: v.literal('regular'), configuration: v.object({ chunk_shape: sizes }) }),
  codecs: v.array(codec),
})
const coder = v.looseObject({ id: v.string() })
const schema2 = v.object({
  shape: sizes,
  chunks: sizes,
  dtype: v.unknown(),
  compressor: v.nullable(coder),
  filters: v.nullish(v.array(coder), null),
})

/** @param container the path of the store. @throws DataError `malformed`, `too_large` (before anything is read), `unsupported` for types and codecs */
export function checkLayout(
  { format, document }: Extract<ZarrNode, { kind: 'array' }>,
  path: string,
  container: string,
): ArrayLayout {
  const layout = format === 3 ? layoutOf3(document, path) : layoutOf2(document, path)
  const { shape, chunks, bytes } = layout
  if (chunks.length !== shape.length || chunks.some((size, axis) => size === 0 && (shape[axis] ?? 0) > 0)) {
    throw new DataError('malformed', `${path} has shape (${shape.join(', ')}) and chunks of (${chunks.join(', ')}).`)
  }
  const chunkBytes = chunks.reduce((total, size) => total * size, bytes)
  if (chunkBytes > MAX_CHUNK_BYTES) {
    const found = `${path} is stored in chunks of ${chunkBytes.toLocaleString('en')} bytes`
    const limit = MAX_CHUNK_BYTES.toLocaleString('en')
    throw new DataError('too_large', `${found}; the limit is ${limit}. ${rewriteText(container, 'zarr')}`)
  }
  return layout
}

type Layout = ArrayLayout & { bytes: number }

function layoutOf3(document: Record<string, unknown>, path: string): Layout {
  const { shape, data_type: dataType, chunk_grid: grid, codecs } = parsed(schema3, document, path)
  const outer = grid.configuration.chunk_shape
  const sharding = codecs.find(({ name }) => name === 'sharding_indexed')
  const known = typeof dataType === 'string' ? knownType3(dataType) : undefined
  if (known === undefined) throw unknownType(path, typeof dataType === 'string' ? dataType : dataType.name)
  if (sharding === undefined) {
    checkCodecs(codecs, path)
    return { shape, chunks: outer, ...known }
  }
  const shard = parsed(shardSchema, sharding.configuration, path)
  checkCodecs(shard.codecs, path)
  checkCodecs(shard.index_codecs, path)
  const counts = outer.map((size, axis) => size / (shard.chunk_shape[axis] ?? 0))
  if (codecs.length > 1 || shard.chunk_shape.length !== outer.length || !counts.every(Number.isSafeInteger)) {
    throw new DataError('unsupported', `${path} is stored in shards of a kind that this reader does not know.`)
  }
  const chunkCount = counts.reduce((total, count) => total * count, 1)
  if (chunkCount > MAX_INDEX_CHUNKS) {
    throw new DataError('too_large', `${path} has shards of ${chunkCount.toLocaleString('en')} chunks each.`)
  }
  return { shape, chunks: shard.chunk_shape, ...known }
}

function layoutOf2(document: Record<string, unknown>, path: string): Layout {
  const { shape, chunks, dtype, compressor, filters } = parsed(schema2, document, path)
  const coders = [...(filters ?? []), ...(compressor === null ? [] : [compressor])]
  checkCodecs(
    coders.map(({ id }) => ({ name: id })),
    path,
  )
  const hasTexts = dtype === '|O' && coders.some(({ id }) => id === 'vlen-utf8')
  const known = hasTexts ? TEXT : typeof dtype === 'string' ? knownType2(dtype) : undefined
  if (known === undefined) throw unknownType(path, typeof dtype === 'string' ? dtype : 'records')
  return { shape, chunks, ...known }
}

type Known = { type: ValueType; bytes: number }

/** A pointer at a text; texts themselves are bounded by what a chunk unpacks to. */
const TEXT: Known = { type: { kind: 'text' }, bytes: 8 }

function number(kind: 'int' | 'uint' | 'float', bytes: number): Known {
  return { type: { kind, bytes }, bytes }
}

const TYPES_3: Record<string, Known> = {
  bool: { type: { kind: 'bool' }, bytes: 1 },
  int8: number('int', 1),
  int16: number('int', 2),
  int32: number('int', 4),
  int64: number('int', 8),
  uint8: number('uint', 1),
  uint16: number('uint', 2),
  uint32: number('uint', 4),
  uint64: number('uint', 8),
  ...('Float16Array' in globalThis ? { float16: number('float', 2) } : {}),
  float32: number('float', 4),
  float64: number('float', 8),
  string: TEXT,
}

const KINDS_2: Record<string, string> = { b: 'bool', i: 'int', u: 'uint', f: 'float' }

/** Names of format 3: `float32`. */
export function knownType3(name: string): Known | undefined {
  return TYPES_3[name]
}

/** numpy's names: `<f4`, `|b1`, `<U12`. */
export function knownType2(dtype: string): Known | undefined {
  const [, kind = '', size = ''] = /^[<>|]([a-zA-Z])(\d+)$/.exec(dtype) ?? []
  if (kind === 'S' || kind === 'U') return { type: { kind: 'text' }, bytes: Number(size) * (kind === 'U' ? 4 : 1) }
  return TYPES_3[kind === 'b' ? 'bool' : `${KINDS_2[kind]}${Number(size) * 8}`]
}

function checkCodecs(codecs: readonly { name: string }[], path: string): void {
  const unknown = codecs.find(({ name }) => !CODEC_NAMES.has(name))
  if (unknown === undefined) return
  const found = `${path} is packed with "${unknown.name.slice(0, 100)}", which this reader lacks`
  throw new DataError('unsupported', `${found}. Write the store again with zstd, blosc or gzip.`)
}

function unknownType(path: string, name: string): DataError {
  return new DataError('unsupported', `${path} holds values of type ${name.slice(0, 100)}, which this reader lacks.`)
}

function parsed<Schema extends v.GenericSchema>(schema: Schema, found: unknown, path: string): v.InferOutput<Schema> {
  const result = v.safeParse(schema, found)
  if (result.success) return result.output
  const place = v.getDotPath(result.issues[0]) ?? 'its top'
  throw new DataError('malformed', `The metadata of ${path} cannot be read: at ${place}, ${result.issues[0].message}.`)
}
