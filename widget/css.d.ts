/** The bundler hands over a style sheet as its text. */
declare module '*.css' {
  const text: string
  // biome-ignore lint/style/noDefaultExport: the form in which esbuild hands over text
  export default text
}
