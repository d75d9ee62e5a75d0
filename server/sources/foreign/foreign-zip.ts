import { open } from 'node:fs/promises'
import { DataError } from '../../../data/data-source.ts'
import { listed, quoted } from '../../../data/near-names.ts'
import { pathText, THEN_SHOW } from '../../../data/python-text.ts'
import { readZipEntries } from '../zarr/zip-entries.ts'

const ZARR_DOCUMENT = /(^|\/)(zarr\.json|\.zgroup|\.zmetadata)$/
const NAMED = 5

/** A zip file that holds no zarr store: what it is; `null` where it holds one, or is damaged. */
export async function foreignZip(path: string, asked: string): Promise<DataError | null> {
  const names = await namesIn(path)
  if (names === null || names.some((name) => ZARR_DOCUMENT.test(name))) return null
  return new DataError('unsupported', `${quoted(asked)} is ${whatIs(names, asked)}`)
}

function whatIs(names: readonly string[], asked: string): string {
  const read = (code: string) => `Read it in Python: adata = anndata.AnnData(${code}). ${THEN_SHOW}`
  if (names.includes('[Content_Types].xml')) {
    return `an Excel workbook. ${read(`pandas.read_excel(${pathText(asked)}, index_col=0)`)}`
  }
  if (names.length > 0 && names.every((name) => name.endsWith('.npy'))) {
    if (names.includes('indptr.npy'))
      return `a sparse matrix of scipy. ${read(`scipy.sparse.load_npz(${pathText(asked)})`)}`
    return `arrays of NumPy. ${read(`numpy.load(${pathText(asked)})[${JSON.stringify(names[0]?.replace(/\.npy$/, ''))}]`)}`
  }
  const inside = `a zip archive of ${names.length} files (${listed(names, NAMED)}) without a zarr store`
  return `${inside}. Unpack it in a terminal: unzip ${pathText(asked)}`
}

async function namesIn(path: string): Promise<readonly string[] | null> {
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    return [...(await readZipEntries(file, size)).keys()]
  } catch (error) {
    if (error instanceof DataError) return null
    throw error
  } finally {
    await file.close()
  }
}
