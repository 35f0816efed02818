import type { HttpRequest, HttpResponseInit } from '@azure/functions';
import type { OperatorDependencies } from '../../ops/requests/dependencies.js';
import { jsonText } from '../../shared/printable.js';
import { answerOps } from '../ops/answer.js';
import { problem } from '../problem.js';
import { type Principal, readPrincipal, roles } from './principal.js';

/** The header that the page sends with each request. A form or a link of another site cannot send the header. */
export const pageHeader = 'x-provisioner-page';

/** What the page shows before and after the sign-in. */
export interface SignInState {
  /**
   * off: the setting OPS_SIGN_IN is off. platform-off: the setting is on, and App Service Authentication is off. signed-out, signed-in: of the
   * browser that sends the request.
   */
  signIn: 'off' | 'platform-off' | 'signed-out' | 'signed-in';
  name: string | null;
  mayLook: boolean;
  mayAct: boolean;
}

/**
 * Whether the header `x-ms-client-principal` can be believed. Only App Service Authentication makes the header true: while it is on, the
 * platform removes the header from each request of a client, and sets the header itself. While it is off, the header of a client passes, and
 * anybody could write it. The platform says by WEBSITE_AUTH_ENABLED whether it is on; the Functions host relies on the same variable.
 */
export function believesHeader(signIn: OperatorDependencies['config']['signIn']): boolean {
  return signIn?.isPlatformOn === true;
}

function principalOf(
  { config }: Pick<OperatorDependencies, 'config'>,
  request: HttpRequest,
): Principal | null {
  const { signIn } = config;
  const header = request.headers.get('x-ms-client-principal');
  return signIn && believesHeader(signIn) && header ? readPrincipal(header, signIn.tenant) : null;
}

/**
 * Answers a request of `/api/operators/…`: the same requests as `/api/ops/…`, for operators who have signed in with Microsoft instead of with a
 * key. Looking needs a role, and acting another role. The audit gets the user's name, whatever the request says.
 *
 * @throws as `answerOps`
 */
export async function answerOperator(
  deps: OperatorDependencies,
  request: HttpRequest,
): Promise<HttpResponseInit> {
  const { signIn } = deps.config;
  const principal = principalOf(deps, request);
  if (request.method === 'GET' && request.params.resource === 'me' && request.params.id === undefined)
    return json(stateOf(deps, principal));
  if (!signIn)
    return problem({ status: 404, code: 'ops.sign-in-off', detail: 'Sign-in is off (OPS_SIGN_IN).' });
  if (!principal)
    return problem({
      status: 401,
      code: 'ops.signed-out',
      detail: believesHeader(signIn)
        ? 'Sign in with Microsoft, as a user of the tenant in OPS_SIGN_IN.'
        : 'App Service Authentication is off, so nobody can sign in, and the identity of a request is not believed.',
    });
  if (request.headers.get(pageHeader) === null || request.headers.get('sec-fetch-site') === 'cross-site')
    return forbidden(
      'ops.foreign-page',
      `Only the operators' page may send this request (header ${pageHeader}).`,
    );
  if (request.method === 'GET' ? !principal.mayLook : !principal.mayAct)
    return forbidden(
      'ops.role-missing',
      `${principal.name} lacks the app role ${request.method === 'GET' ? roles.look : roles.act}.`,
    );
  return answerOps(deps, request, principal.name);
}

const forbidden = (code: string, detail: string) => problem({ status: 403, code, detail });

function stateOf({ config }: Pick<OperatorDependencies, 'config'>, principal: Principal | null): SignInState {
  const { name = null, mayLook = false, mayAct = false } = principal ?? {};
  if (!config.signIn) return { signIn: 'off', name, mayLook, mayAct };
  if (!believesHeader(config.signIn)) return { signIn: 'platform-off', name, mayLook, mayAct };
  return { signIn: principal ? 'signed-in' : 'signed-out', name, mayLook, mayAct };
}

function json(state: SignInState): HttpResponseInit {
  return {
    status: 200,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
    body: jsonText(state),
  };
}
