// @ts-check

/**
 * The variables that npm and the build may see. azd hands its whole environment to a hook, secrets too, and npm would hand the environment on
 * to the scripts of packages. A list of allowed names also keeps out the secrets that nobody has thought of.
 */
const allowed = [
  ...[
    'PATH',
    'HOME',
    'USER',
    'LOGNAME',
    'SHELL',
    'TERM',
    'LANG',
    'TZ',
    'TMPDIR',
    'TMP',
    'TEMP',
    'CI',
    'NO_COLOR',
  ],
  // Windows
  ...['SYSTEMROOT', 'SYSTEMDRIVE', 'WINDIR', 'COMSPEC', 'PATHEXT', 'USERPROFILE', 'HOMEDRIVE', 'HOMEPATH'],
  ...[
    'APPDATA',
    'LOCALAPPDATA',
    'PROGRAMDATA',
    'PROGRAMFILES',
    'PROCESSOR_ARCHITECTURE',
    'NUMBER_OF_PROCESSORS',
  ],
  // The way to the registry
  ...['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'SSL_CERT_DIR'],
];

/** The settings of npm: the registry, a proxy, a token of the registry. */
const npmSetting = /^npm_config_/i;

/** These settings would leave out the packages that build the project. The hook decides about scripts itself. */
const decidedHere = /^npm_config_(omit|include|only|also|production|dev|ignore_scripts|global|prefix)$/i;

/**
 * @param {NodeJS.ProcessEnv} env
 * @returns {NodeJS.ProcessEnv}
 */
export function npmEnvironment(env) {
  return Object.fromEntries(
    Object.entries(env).filter(
      ([name]) =>
        allowed.includes(name.toUpperCase()) ||
        /^LC_/.test(name) ||
        (npmSetting.test(name) && !decidedHere.test(name.replaceAll('-', '_'))),
    ),
  );
}
