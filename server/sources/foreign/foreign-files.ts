import { basename, dirname } from 'node:path'
import { gunzipSync, constants as zlib } from 'node:zlib'
import { DataError } from '../../../data/data-source.ts'
import { quoted } from '../../../data/near-names.ts'
import { pathText, THEN_SHOW, withoutEnding } from '../../../data/python-text.ts'
import { inCloudText } from './in-cloud.ts'

/** So much of a file is looked at. */
export const HEAD_BYTES = 64 << 10

/** What a file is, by its first bytes or its name, and the line that makes something of it that can be shown. */
type ForeignFile = { what: string; advice: (path: string) => string }
type Rule = ForeignFile & { matches: (head: Buffer, name: string) => boolean }

/**
 * A file that is no AnnData but something that single-cell people have.
 * @param head its first bytes
 * @param asked as the person wrote it
 * @returns `null` for what is not known
 */
export function foreignFile(asked: string, head: Buffer): DataError | null {
  if (asked.endsWith('.icloud')) return new DataError('not_found', inCloudText(asked))
  const packed = packedFile(asked, head)
  const rule = packed ?? RULES.find(({ matches }) => matches(head, basename(asked).toLowerCase()))
  if (rule === undefined) return null
  return new DataError('unsupported', `${quoted(asked)} is ${rule.what}. ${rule.advice(asked)}`)
}

function starts(...texts: string[]): (head: Buffer) => boolean {
  return (head) => texts.some((text) => head.subarray(0, text.length).equals(Buffer.from(text, 'latin1')))
}

function ends(...endings: string[]): (head: Buffer, name: string) => boolean {
  return (_, name) => endings.some((ending) => name.endsWith(ending) || name.endsWith(`${ending}.gz`))
}

function either(...tests: Rule['matches'][]): Rule['matches'] {
  return (head, name) => tests.some((test) => test(head, name))
}

function looksLike(pattern: RegExp): (head: Buffer) => boolean {
  return (head) => pattern.test(head.subarray(0, 512).toString('latin1').replace('\xef\xbb\xbf', ''))
}

const inR = (read: string) => (path: string) =>
  `Write it for Python, in R: anndataR::write_h5ad(${read.replace('PATH', pathText(path))}, ${pathText(withoutEnding(path, /\.[^./\\]*$/, '.h5ad'))})`
const inPython = (read: string) => (path: string) =>
  `Read it in Python: adata = ${read.replace('PATH', pathText(path))}. ${THEN_SHOW}`
const unpack = (command: string) => (path: string) => `Unpack it in a terminal: ${command} ${pathText(path)}`
const AGAIN = 'Download the file itself again, signed in where that is asked for.'

/** More telling ones first: contents before names. */
const RULES: readonly Rule[] = [
  {
    what: 'a pointer of Git LFS and not the file itself',
    matches: starts('version https://git-lfs'),
    advice: (path) => `Fetch the file in a terminal: git -C ${pathText(dirname(path))} lfs pull`,
  },
  {
    what: 'a web page that was saved under this name',
    matches: looksLike(/^\s*(<!--[\s\S]*?-->\s*)?<(!doctype html|html|head|body)/i),
    advice: () => AGAIN,
  },
  { what: 'the message of a web server (XML)', matches: looksLike(/^\s*(<\?xml|<Error>)/i), advice: () => AGAIN },
  { what: 'a Parquet table', matches: starts('PAR1'), advice: inPython('anndata.AnnData(pandas.read_parquet(PATH))') },
  {
    what: 'a Feather table',
    matches: starts('ARROW1', 'FEA1'),
    advice: inPython('anndata.AnnData(pandas.read_feather(PATH))'),
  },
  { what: 'a NumPy array', matches: starts('\x93NUMPY'), advice: inPython('anndata.AnnData(numpy.load(PATH))') },
  {
    what: 'a MATLAB file',
    matches: starts('MATLAB 5.0'),
    advice: inPython('anndata.AnnData(scipy.io.loadmat(PATH)["X"])'),
  },
  {
    what: 'a matrix in Matrix Market form',
    matches: either(starts('%%MatrixMarket'), ends('.mtx')),
    advice: inPython('scanpy.read_mtx(PATH).T'),
  },
  { what: 'an object of R (qs2)', matches: ends('.qs2'), advice: inR('qs2::qs_read(PATH)') },
  {
    what: 'an object of R (qs)',
    matches: either(starts('\x0b\x0e\x0a\x0c'), ends('.qs')),
    advice: inR('qs::qread(PATH)'),
  },
  {
    what: 'a workspace of R (RData)',
    matches: either(starts('RDX', 'RDA'), ends('.rda', '.rdata')),
    advice: inR('get(load(PATH))'),
  },
  {
    what: 'an object of R (RDS)',
    matches: either(looksLike(/^X\n\0\0\0[23]/), ends('.rds')),
    advice: inR('readRDS(PATH)'),
  },
  {
    what: 'a Python pickle, which may run anything when it is opened',
    matches: either(looksLike(/^\x80[2-5]/), ends('.pkl', '.pickle')),
    advice: (path) => `If you trust it: show_anndata(pandas.read_pickle(${pathText(path)}))`,
  },
  {
    what: 'an archive (tar)',
    matches: (head) => head.toString('latin1', 257, 262) === 'ustar',
    advice: unpack('tar -xf'),
  },
  { what: 'packed with bzip2', matches: starts('BZh'), advice: unpack('bunzip2 -k') },
  { what: 'packed with xz', matches: starts('\xfd7zXZ\0'), advice: unpack('unxz -k') },
  { what: 'packed with zstd', matches: starts('\x28\xb5\x2f\xfd'), advice: unpack('unzstd') },
  { what: 'an archive (7z)', matches: starts('7z\xbc\xaf\x27\x1c'), advice: unpack('7z x') },
  { what: 'an archive (RAR)', matches: starts('Rar!'), advice: unpack('unrar x') },
  { what: 'a table of text (CSV)', matches: ends('.csv'), advice: inPython('scanpy.read_csv(PATH)') },
  {
    what: 'a table of text',
    matches: (head, name) => isText(head) && /\.(tsv|txt|tab)(\.gz)?$/.test(name),
    advice: inPython('scanpy.read_text(PATH, delimiter="\\t")'),
  },
]

/** Texts have no zeros. */
function isText(head: Buffer): boolean {
  return head.length > 0 && !head.includes(0)
}

const GZIP = Buffer.from([0x1f, 0x8b])

/** What was packed with gzip is told by what is inside. */
function packedFile(asked: string, head: Buffer): ForeignFile | undefined {
  if (!head.subarray(0, 2).equals(GZIP)) return undefined
  const inside = insideOf(head)
  const name = basename(asked).toLowerCase()
  if (inside.toString('latin1', 257, 262) === 'ustar') return { what: 'an archive (tar)', advice: unpack('tar -xf') }
  const rule = RULES.find(({ matches }) => matches(inside, name))
  if (rule !== undefined) return { ...rule, what: `${rule.what}, packed with gzip` }
  const unpacked = /\.gz$/i.test(asked) ? withoutEnding(asked, /\.gz$/i) : `${asked}.unpacked.h5ad`
  const command = /\.gz$/i.test(asked)
    ? `gunzip -k ${pathText(asked)}`
    : `gunzip -c ${pathText(asked)} > ${pathText(unpacked)}`
  return {
    what: 'packed with gzip',
    advice: () => `Unpack it in a terminal: ${command}. Then show ${pathText(unpacked)}`,
  }
}

function insideOf(head: Buffer): Buffer {
  try {
    // It ends in the middle, since only its beginning is here.
    return gunzipSync(head, { finishFlush: zlib.Z_SYNC_FLUSH, maxOutputLength: 64 * HEAD_BYTES })
  } catch {
    return Buffer.alloc(0) // told by its name alone
  }
}
