/** Every entry point imports this file first. Without this check, an older Node fails later with a misleading error. */
const major = Number(process.versions.node.split('.')[0]);
if (major < 24) {
  console.error(
    `This needs Node 24 or newer and runs on ${process.version}. Start it with npm (npm start, npm test, npm run ...): ` +
      'the project brings its own Node 24, unless it was installed with --ignore-scripts; then run: npm rebuild node',
  );
  process.exit(1);
}
