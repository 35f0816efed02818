/** The SDK of balena, for a dynamic import: only an instance that calls balena loads the SDK. */
export { getSdk } from 'balena-sdk';
