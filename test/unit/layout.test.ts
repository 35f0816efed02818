import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

const root = process.cwd();

/** The project's files that each file of a folder imports, types included. */
function importsIn(folder: string): Map<string, string[]> {
  const files = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.tsx?$/.test(file))
    .map((file) => join(folder, file));
  return new Map(
    files.map((file) => {
      const text = readFileSync(join(root, file), 'utf8');
      const specifiers = [...text.matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)].map(
        ([, specifier = '']) => specifier,
      );
      return [file, specifiers.map((specifier) => normalize(join(dirname(file), specifier)))];
    }),
  );
}

/** The room of a file: the folder below `src`. */
const roomOf = (file: string) => file.split('/').slice(1, -1)[0] ?? '.';

test('the rooms of src do not import each other in a circle', () => {
  const rooms = new Map<string, Set<string>>();
  for (const [file, imports] of importsIn('src')) {
    const used = rooms.get(roomOf(file)) ?? new Set();
    for (const each of imports)
      if (each.startsWith('src/') && roomOf(each) !== roomOf(file)) used.add(roomOf(each));
    rooms.set(roomOf(file), used);
  }
  // Rooms that use no room any more are removed, again and again. A circle is what remains.
  for (let removed = true; removed; ) {
    removed = false;
    for (const [room, used] of rooms) {
      if ([...used].some((each) => rooms.has(each))) continue;
      rooms.delete(room);
      removed = true;
    }
  }
  expect(
    [...rooms].map(([room, used]) => `${room} -> ${[...used].filter((each) => rooms.has(each)).join(', ')}`),
  ).toEqual([]);
});

test.each([
  ['src', /^(local|cli|test|bench|page|functions)\//],
  ['functions', /^(local|cli|test|bench|page)\//],
  ['cli', /^(local|test|bench|page|functions)\//],
  ['page', /^(local|cli|test|bench|functions)\//],
  ['local', /^(test|bench|page|functions)\//],
])('%s imports nothing of %s', (folder, forbidden) => {
  const wrong = [...importsIn(folder)].flatMap(([file, imports]) =>
    imports.filter((each) => forbidden.test(each)).map((each) => `${file} -> ${each}`),
  );
  expect(wrong).toEqual([]);
});

test('only the state machine makes a record from a record', () => {
  const makers = [...importsIn('src').keys()].filter((file) => {
    const text = readFileSync(join(root, file), 'utf8');
    return (
      /\.\.\.(record|found\.value|found|released|next)\b(?!\.)[,\s}]/.test(text) &&
      /DeviceRecord\b/.test(text)
    );
  });
  expect(
    makers.filter(
      (file) =>
        !/^src\/device\/(\w*[tT]ransitions|transitionParts|refusal|refusalParts|repository|summary)\.ts$/.test(
          file,
        ),
    ),
  ).toEqual([]);
});

test('texts leave the product through src/shared/printable.ts only', () => {
  const outputs = /\bconsole\.|\bprocess\.(stdout|stderr)\.write/;
  const answers = /\bbody: (`|JSON\.stringify)/;
  // These lines have no name from outside: errors of the SDKs in their harmless parts, and settings without values.
  const known = [
    'cli/main.ts',
    'functions/openApi.ts',
    'src/app.ts',
    'src/openApp.ts',
    'src/startApp.ts',
    'src/telemetry/hostHooks.ts',
    'src/telemetry/sdk.ts',
    'src/telemetry/start.ts',
  ];
  const found = ['src', 'functions', 'cli'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .map((name) => `${folder}/${name}`)
      .filter((file) => {
        if (!/\.ts$/.test(file)) return false;
        const text = readFileSync(join(root, file), 'utf8');
        const leaves = outputs.test(text) || (/^(functions|src\/http)\//.test(file) && answers.test(text));
        return leaves && !/from '.*\/printable\.js'/.test(text);
      }),
  );
  expect(found.filter((file) => !known.includes(file))).toEqual([]);
});
