import { DataError } from '../data-source.ts'
import { pathText, THEN_SHOW, withoutEnding } from '../python-text.ts'
import type { StoredGroup } from '../stored-tree.ts'

/** Parts of a matrix from Cell Ranger: at the top of a group of its own in both versions. */
const MATRIX_PARTS = ['barcodes', 'data', 'indices', 'indptr']

/** What stands at the top of a file that is no AnnData. */
type Tree = { path: string; names: readonly string[]; parts: (name: string) => Promise<readonly string[]> }

/**
 * An HDF5 file or a store of another kind that single-cell people have, by what stands at its top.
 * @returns what it is and the line that reads it; `null` for what is not known
 */
export async function foreignTree(root: StoredGroup, path: string): Promise<DataError | null> {
  const names = await root.keys()
  const parts = async (name: string) => {
    const node = await root.get(name).catch(() => null)
    return node?.kind === 'group' ? node.keys() : []
  }
  for (const find of [loom, moleculeInfo, seurat, cellRanger, image]) {
    const found = await find({ path, names, parts })
    if (found !== null) return new DataError('unsupported', `This is ${found}`)
  }
  return null
}

function has(names: readonly string[], wanted: readonly string[]): boolean {
  return wanted.every((name) => names.includes(name))
}

async function loom({ names, path }: Tree): Promise<string | null> {
  if (!has(names, ['matrix', 'row_attrs', 'col_attrs'])) return null
  return `a loom file. Read it in Python: adata = scanpy.read_loom(${pathText(path)}). ${THEN_SHOW}`
}

async function moleculeInfo({ names, path }: Tree): Promise<string | null> {
  const isOne = has(names, ['barcode_idx', 'feature_idx', 'count']) || has(names, ['barcode', 'gene', 'umi', 'reads'])
  if (!isOne) return null
  const beside = pathText(path.replace(/[^/\\]*$/, 'filtered_feature_bc_matrix.h5'))
  return (
    'a list of molecules from Cell Ranger (molecule_info), not a matrix of counts. ' +
    `Read the matrix beside it: adata = scanpy.read_10x_h5(${beside}). ${THEN_SHOW}`
  )
}

async function seurat({ names, path }: Tree): Promise<string | null> {
  if (!has(names, ['assays', 'cell.names']) && !has(names, ['assays', 'meta.data'])) return null
  const made = pathText(withoutEnding(path, /\.h5seurat$/i, '.h5ad'))
  return `a Seurat object (h5Seurat). Write it for Python, in R: SeuratDisk::Convert(${pathText(path)}, dest = "h5ad"). Then show ${made}`
}

/** Since version 3 the group is called `matrix`; before, each genome had one of its own name. */
async function cellRanger({ names, path, parts }: Tree): Promise<string | null> {
  for (const name of names) {
    const inside = await parts(name)
    if (!has(inside, MATRIX_PARTS) && !(name === 'matrix' && names.length === 1)) continue
    const genome = name === 'matrix' || names.length === 1 ? '' : `, genome=${JSON.stringify(name)}`
    return (
      'a matrix of counts from Cell Ranger (10x). ' +
      `Read it in Python: adata = scanpy.read_10x_h5(${pathText(path)}${genome}). ${THEN_SHOW}`
    )
  }
  return null
}

async function image({ names }: Tree): Promise<string | null> {
  if (!has(names, ['labels', '0']) && !has(names, ['0', '1', '2'])) return null
  return 'an image (OME-Zarr), not a table of cells. Show the AnnData that belongs to it.'
}
