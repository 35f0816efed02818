import * as z from 'zod';

/** A user whom App Service Authentication has signed in. */
export interface Principal {
  /** For the audit: the user's name at Microsoft Entra. */
  name: string;
  mayLook: boolean;
  mayAct: boolean;
}

/** The app roles, as the app registration defines them. The role for acting includes looking. */
export const roles = { look: 'Provisioner.Look', act: 'Provisioner.Act' } as const;

const claims = z.array(z.object({ typ: z.string(), val: z.string() }));
const clientPrincipal = z.object({
  auth_typ: z.string(),
  claims,
  role_typ: z.string().optional(),
});

type Claims = z.infer<typeof claims>;

/** App Service maps some claims of the token to long names. */
const names = {
  tenant: ['tid', 'http://schemas.microsoft.com/identity/claims/tenantid'],
  name: [
    'preferred_username',
    'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn',
    'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress',
    'name',
    'http://schemas.microsoft.com/identity/claims/objectidentifier',
    'oid',
  ],
  roles: ['roles', 'http://schemas.microsoft.com/ws/2008/06/identity/claims/role'],
};

const longestHeader = 32_768;
const longestName = 100;

/**
 * Reads the header `x-ms-client-principal`. The header is no proof by itself: see `believesHeader` for when the header can be believed.
 *
 * @param header base64 of JSON, as App Service sends the header
 * @param tenant the id of the tenant whose users may sign in, in lower case
 * @returns null if the header is not readable, or is about a user of another identity provider or tenant
 */
export function readPrincipal(header: string, tenant: string): Principal | null {
  const parsed = clientPrincipal.safeParse(decode(header));
  if (!parsed.success || parsed.data.auth_typ !== 'aad') return null;
  const { claims: all, role_typ: roleType } = parsed.data;
  const tenants = valuesOf(all, names.tenant);
  if (tenants.length === 0 || tenants.some((each) => each.toLowerCase() !== tenant)) return null;
  const name = names.name.flatMap((typ) => valuesOf(all, [typ]))[0]?.trim();
  if (!name) return null;
  const held = valuesOf(all, roleType ? [...names.roles, roleType] : names.roles);
  const mayAct = held.includes(roles.act);
  return { name: name.slice(0, longestName), mayAct, mayLook: mayAct || held.includes(roles.look) };
}

function valuesOf(all: Claims, types: readonly string[]): string[] {
  return all.filter(({ typ }) => types.includes(typ)).map(({ val }) => val);
}

function decode(header: string): unknown {
  if (header.length > longestHeader || !/^[A-Za-z0-9+/_-]+={0,2}$/.test(header)) return null;
  try {
    return JSON.parse(Buffer.from(header, 'base64').toString('utf8'));
  } catch {
    return null;
  }
}
