import { join } from 'node:path';
import { projectFolder } from '../stack/projectFolder.js';
import { assemblePackage } from './assemblePackage.js';

// `npm run package` fills the folder .package. azure.yaml deploys the folder, and `func azure functionapp publish`
// can deploy the folder too.
const folder = projectFolder();
try {
  const { files, packages } = await assemblePackage(folder, join(folder, '.package'));
  console.log(`.package: ${files} files, ${packages} packages`);
} catch (error) {
  console.error(`the package cannot be assembled: ${(error as Error).message}`);
  process.exitCode = 1;
}
