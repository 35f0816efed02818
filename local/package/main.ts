import { join } from 'node:path';
import { projectFolder } from '../stack/projectFolder.js';
import { assemblePackage, sizeOf } from './assemblePackage.js';

// `npm run package` fills the folder .package. azure.yaml deploys the folder, and `func azure functionapp publish`
// can deploy the folder too.
const folder = projectFolder();
const into = join(folder, '.package');
try {
  const { packages } = await assemblePackage(folder, into);
  const { files, bytes } = await sizeOf(into);
  console.log(`.package: ${files} files, ${(bytes / 1e6).toFixed(1)} MB, with code of ${packages} packages`);
} catch (error) {
  console.error(`the package cannot be assembled: ${(error as Error).message}`);
  process.exitCode = 1;
}
