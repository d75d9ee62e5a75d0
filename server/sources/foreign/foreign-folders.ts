import type { Dirent } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { DataError } from '../../../data/data-source.ts'
import { quoted } from '../../../data/near-names.ts'
import { oneArrayText, pathText, THEN_SHOW } from '../../../data/python-text.ts'

/** A folder that is no dataset but something that single-cell people have; `null` for what is not known. */
export async function foreignFolder(path: string, asked: string): Promise<DataError | null> {
  const entries = await readdir(path, { withFileTypes: true })
  for (const find of [empty, cellRangerMatrix, cellRangerOuts, zarrArray, tileDb, savedByR]) {
    const found = find(asked, entries)
    if (found !== null) return new DataError('unsupported', `The folder ${quoted(asked)} ${found}`)
  }
  return null
}

type Entries = readonly Dirent[]

function namesOf(entries: Entries): readonly string[] {
  return entries.map(({ name }) => name)
}

function empty(_: string, entries: Entries): string | null {
  return entries.length === 0 ? 'is empty. Pass an .h5ad file, a .zarr store, or a folder that cellucid wrote.' : null
}

/** `PREFIX_matrix.mtx.gz`, barcodes and features (before version 3: genes). */
function cellRangerMatrix(asked: string, entries: Entries): string | null {
  const names = namesOf(entries)
  const matrix = names.find((name) => /matrix\.mtx(\.gz)?$/.test(name))
  if (matrix === undefined || !names.some((name) => /(barcodes|features|genes)\.tsv(\.gz)?$/.test(name))) return null
  const prefix = matrix.replace(/matrix\.mtx(\.gz)?$/, '')
  const option = prefix === '' ? '' : `, prefix=${JSON.stringify(prefix)}`
  return (
    'is a matrix of counts from Cell Ranger (10x). ' +
    `Read it in Python: adata = scanpy.read_10x_mtx(${pathText(asked)}${option}). ${THEN_SHOW}`
  )
}

function cellRangerOuts(asked: string, entries: Entries): string | null {
  const file = namesOf(entries).find((name) => /^(filtered|raw)_(feature|gene)_bc_matri(x|ces)(_h5)?\.h5$/.test(name))
  if (file === undefined) return null
  return (
    'is what Cell Ranger (10x) wrote. ' +
    `Read it in Python: adata = scanpy.read_10x_h5(${pathText(join(asked, file))}). ${THEN_SHOW}`
  )
}

function zarrArray(asked: string, entries: Entries): string | null {
  return namesOf(entries).includes('.zarray') ? `is ${oneArrayText(asked)}` : null
}

function tileDb(asked: string, entries: Entries): string | null {
  if (!namesOf(entries).some((name) => name === '__group' || name === '__tiledb_group.tdb')) return null
  const read = `tiledbsoma.io.to_anndata(tiledbsoma.open(${pathText(asked)}), measurement_name="RNA")`
  return `is a TileDB-SOMA experiment. Read it in Python: adata = ${read}. ${THEN_SHOW}`
}

function savedByR(asked: string, entries: Entries): string | null {
  const names = namesOf(entries)
  if (!names.includes('se.rds') || !names.includes('assays.h5')) return null
  const read = `HDF5Array::loadHDF5SummarizedExperiment(${pathText(asked)})`
  return `is an experiment that R's HDF5Array saved. Write it for Python, in R: anndataR::write_h5ad(${read}, ${pathText(`${asked}.h5ad`)})`
}
