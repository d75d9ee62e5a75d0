/** What `--help` says. */
export const HELP = `cellucid-notebook shows the cells of a single-cell dataset in the browser.

  cellucid-notebook serve PATH…   show an .h5ad or .h5mu file, a .zarr store, a folder that cellucid wrote,
                                  or all the datasets in a folder
  cellucid-notebook doctor        say what is in place here, and what to do about what is not
  cellucid-notebook cache         say what is kept on disk; "cache clear" removes it
  cellucid-notebook --version

cellucid-notebook COMMAND --help says more. In a notebook: show_anndata(adata).`

const SERVE = `cellucid-notebook serve PATH… [options]

Show datasets in the browser until Ctrl+C. PATH is an .h5ad or .h5mu file, a .zarr store (folder,
zip or URL), a folder that cellucid wrote, or a folder with any of these; several are listed in the page.

  -p, --port PORT           the port; by default 8765 or the next free one
      --host ADDRESS        listen for other machines too; by default this machine alone
      --open, --no-open     start the browser, or do not; by default where there is one
      --color NAME          colour the cells by a column of obs or a gene at first
      --embedding KEY       draw this key of obsm; by default UMAP, else t-SNE, and so on
      --layer NAME          read genes from this layer
      --use-raw, --no-use-raw
                            read genes from raw, or from X; by default from raw where there is one
      --gene-symbols NAME   show and find genes by this column of var
      --ui NAME             "embedded", the viewer that is part of this program, or "hosted",
                            cellucid's own, fetched once and then kept on this machine
      --web-source-url URL  another site that the hosted viewer comes from
  -v, --verbose             say what the server does

The link that is printed holds a secret. Open it on this machine, or on yours through "ssh -L".`

const DOCTOR = `cellucid-notebook doctor

Say what is in place here: Node.js, the viewer, HDF5, ports, the browser, what is kept on disk,
and, where Python installed this program, the packages that a notebook needs; with what to do
about what is not. Ends with status 1 when no data can be shown. In a notebook,
viewer.debug_connection() also knows what the browser tried.`

const CACHE = `cellucid-notebook cache [list | clear]

Say what is kept on disk to be quick next time, and where; or remove all of it. Nothing of it is
needed: it is made again.`

export const HELP_OF: Readonly<Record<string, string>> = { serve: SERVE, doctor: DOCTOR, cache: CACHE }
