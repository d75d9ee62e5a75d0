/** A path as a person would write it in Python or a shell; there its own quotes and backslashes need care. */
export function pathText(path: string): string {
  return JSON.stringify(path)
}

/** The path without this ending, or with `replacement` for it. */
export function withoutEnding(path: string, ending: RegExp, replacement = ''): string {
  return path.replace(ending, '') + replacement
}

/** What to do about chunks that are too large. @param path of the file or store */
export function rewriteText(path: string, format: 'h5ad' | 'zarr'): string {
  const from = pathText(path)
  const line = path.endsWith('.h5mu')
    ? `mudata.read_h5mu(${from}).write("smaller_chunks.h5mu")`
    : `anndata.read_${format}(${from}).write_${format}("smaller_chunks.${format}")`
  return `Write it once more in Python: ${line}, and show that ${format === 'zarr' ? 'store' : 'file'}.`
}

/** What comes after reading counts: cells without positions cannot be drawn. */
export const THEN_SHOW = 'Then compute positions (sc.tl.umap(adata)) and show_anndata(adata).'

export function oneArrayText(path: string): string {
  return `one zarr array, not an AnnData. Read it in Python: adata = anndata.AnnData(zarr.open(${pathText(path)})[:]). ${THEN_SHOW}`
}
