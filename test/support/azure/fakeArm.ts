/** A resource of Azure Resource Manager. */
export interface FakeResource {
  id: string;
  name: string;
  location: string;
  tags?: Record<string, string>;
  properties: Record<string, unknown>;
  [other: string]: unknown;
}

/** A status and a body, as `az rest` turns both into its output. */
export interface ArmAnswer {
  status: 200 | 401 | 403 | 404 | 409 | 429 | 500 | 503;
  body: unknown;
}

const problem = (status: Exclude<ArmAnswer['status'], 200>, code: string, message: string): ArmAnswer => ({
  status,
  body: { error: { code, message } },
});

const lists = /\/(vaults|IotHubs|roleAssignments|locks)$/i;

/** The state of Azure Resource Manager: resources by id, deleted vaults, and the function app. */
export class FakeArm {
  readonly resources = new Map<string, FakeResource>();
  deletedVaults: FakeResource[] = [];
  /** Paths that the caller has no right to. */
  forbidden: RegExp | null = null;
  /** The number of refreshes, after which the role on the vault works. */
  refreshesBeforeRoleWorks = 0;
  /** The references to Key Vault, by setting: whether the vault has the secret. */
  references: Record<string, boolean> = { BALENA_API_KEY: true };
  /** The resource providers that the subscription has never used. A deployment registers a provider; a request does not. */
  unregistered: string[] = [];
  /** The answers to the next requests, in the place of the right ones. */
  nextAnswers: ArmAnswer['status'][] = [];
  functionNames: string[] = [];
  healthKey = 'the-key-of-health';
  /** The keys of the function health by name. An operator may delete the key `default`, and the host makes no new one. */
  healthKeys: Record<string, string> = { default: this.healthKey };
  /** True once the app has started with all secrets. */
  startedWithSecrets = false;
  /** False while the platform lists no reference, although the app has some. */
  listsReferences = true;
  refreshes = 0;

  add(id: string, more: Partial<FakeResource> = {}): void {
    const name = id.split('/').at(-1)!;
    const properties = /\/IotHubs\/[^/]+$/.test(id) ? { state: 'Active' } : {};
    this.resources.set(id.toLowerCase(), { id, name, location: 'westeurope', properties, ...more });
  }

  request(method: string, url: string): ArmAnswer {
    const [path = '', query = ''] = url.split('?');
    if (!/^api-version=\d{4}-\d\d-\d\d(-preview)?$/.test(query))
      return problem(404, 'MissingApiVersionParameter', 'The api-version query parameter is required.');
    const next = this.nextAnswers.shift();
    if (next) return problem(next as 500, 'SomeError', 'Please try again later.');
    const [, provider = ''] = /\/providers\/(Microsoft\.\w+)\//.exec(path) ?? [];
    if (this.unregistered.includes(provider))
      return problem(
        409,
        'MissingSubscriptionRegistration',
        `The subscription is not registered to use namespace '${provider}'. See https://aka.ms/rps-not-found for how to register subscriptions.`,
      );
    if (this.forbidden?.test(path)) return problem(403, 'AuthorizationFailed', 'The client has no right.');
    if (/\/deletedVaults$/.test(path)) return { status: 200, body: { value: this.deletedVaults } };
    const [, group = ''] = /^(\/subscriptions\/[^/]+\/resourceGroups\/[^/]+)/i.exec(path) ?? [];
    if (!this.resources.has(group.toLowerCase()))
      return problem(404, 'ResourceGroupNotFound', 'Resource group could not be found.');
    if (/\/sites\/[^/]+\/.+/i.test(path)) return this.app(method, path.replace(/^.*\/sites\/[^/]+\//i, ''));
    if (method === 'delete') return this.remove(path);
    if (lists.test(path)) return { status: 200, body: { value: this.list(path) } };
    const found = this.resources.get(path.toLowerCase());
    return found ? { status: 200, body: found } : problem(404, 'ResourceNotFound', `${path} was not found.`);
  }

  /** Resources of a type in a group; for role assignments and locks also those of the resources below. */
  private list(path: string): FakeResource[] {
    const [, scope = '', type = ''] = /^(.*)\/providers\/([^/]+\/[^/]+)$/i.exec(path.toLowerCase()) ?? [];
    return [...this.resources.values()].filter(({ id }) => {
      const at = id.toLowerCase();
      const [above] = at.split(`/providers/${type}/`);
      if (above === at) return false;
      return /authorization/.test(type) ? above!.startsWith(scope) : above === scope;
    });
  }

  private remove(path: string): ArmAnswer {
    const at = path.toLowerCase();
    const locked = [...this.resources.keys()].some(
      (id) => id.includes('/locks/') && at.startsWith(id.split('/providers/microsoft.authorization/')[0]!),
    );
    if (locked) return problem(409, 'ScopeLocked', 'The scope is locked.');
    if (!this.resources.delete(at)) return problem(404, 'ResourceNotFound', `${path} was not found.`);
    return { status: 200, body: null };
  }

  private statusOf(hasSecret: boolean): string {
    if (this.refreshes <= this.refreshesBeforeRoleWorks) return 'AccessToKeyVaultDenied';
    return hasSecret ? 'Resolved' : 'SecretNotFound';
  }

  private app(method: string, action: string): ArmAnswer {
    const statuses = Object.entries(this.references).map(([name, has]) => ({
      name,
      properties: { status: this.statusOf(has) },
    }));
    switch (`${method} ${action}`) {
      case 'post config/configreferences/appsettings/refresh':
        this.refreshes++;
        return { status: 200, body: null };
      case 'get config/configreferences/appsettings':
        return { status: 200, body: { value: this.listsReferences ? statuses : [] } };
      case 'post restart':
        this.startedWithSecrets = statuses.every(({ properties }) => properties.status === 'Resolved');
        return { status: 200, body: null };
      case 'get functions':
        return { status: 200, body: { value: this.functionNames.map((name) => ({ name: `app/${name}` })) } };
      case 'post functions/health/listkeys':
        return { status: 200, body: this.healthKeys };
      default:
        return problem(404, 'NotFound', `The app has no ${method} ${action}.`);
    }
  }

  /** The answer of `GET /api/health`. */
  health(key: string | undefined): { status: number; body: string } {
    if (key !== this.healthKey) return { status: 401, body: '' };
    if (this.startedWithSecrets)
      return { status: 200, body: 'configuration: ok, complete\nqueue: ok, reachable\n' };
    return {
      status: 503,
      body: 'configuration: NOT OK, BALENA_API_KEY is an unresolved Key Vault reference\n',
    };
  }
}
