/** What `--help` says. */
export const HELP = `cellucid-notebook shows the cells of a single-cell dataset in the browser.

  cellucid-notebook serve PATH…   show an .h5ad file, a .zarr store, a folder that cellucid wrote,
                                  or all the datasets in a folder
  cellucid-notebook --version

cellucid-notebook COMMAND --help says more. In a notebook: show_anndata(adata).`

const SERVE = `cellucid-notebook serve PATH… [options]

Show datasets in the browser until Ctrl+C. PATH is an .h5ad file, a .zarr store (folder, zip or
URL), a folder that cellucid wrote, or a folder with any of these; several are listed in the page.

  -p, --port PORT           the port; by default 8765 or the next free one
      --host ADDRESS        listen for other machines too; by default this machine alone
      --open, --no-open     start the browser, or do not; by default where there is one
      --color NAME          colour the cells by a column of obs or a gene at first
      --embedding KEY       draw this key of obsm; by default UMAP, else t-SNE, and so on
      --layer NAME          read genes from this layer, or from "raw"
      --gene-id-column NAME show and find genes by this column of var
      --ui NAME             which viewer: "embedded"
  -v, --verbose             say what the server does

The link that is printed holds a secret. Open it on this machine, or on yours through "ssh -L".`

export const HELP_OF: Readonly<Record<string, string>> = { serve: SERVE }
