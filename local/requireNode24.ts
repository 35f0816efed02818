/** Imported first by every entry point: an older Node fails later with errors that name something else. */
const major = Number(process.versions.node.split('.')[0]);
if (major < 24) {
  console.error(
    `This needs Node 24 or newer and runs on ${process.version}. Start it with npm (npm start, npm test, npm run ...): ` +
      'the project brings its own Node 24, unless it was installed with --ignore-scripts; then run: npm rebuild node',
  );
  process.exit(1);
}
