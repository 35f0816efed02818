import { useContext } from 'preact/hooks';
import { SettingsContext } from '../api/useSettings.js';

const rel = 'noopener noreferrer';

/** The links to a device in balena and in Azure, as the settings define them. */
export function DeviceLinks({ uuid }: { uuid: string }) {
  const links = useContext(SettingsContext)?.links;
  const addresses = { balena: links?.balena, Azure: links?.azure };
  const shown = Object.entries(addresses).flatMap(([name, template]) =>
    template ? [{ name, href: template.replaceAll('{uuid}', uuid) }] : [],
  );
  if (shown.length === 0) return null;
  return (
    <span class="links">
      {shown.map(({ name, href }) => (
        <a key={name} href={href} target="_blank" rel={rel}>
          Open in {name}
        </a>
      ))}
    </span>
  );
}

/** The link to a section of the runbook. Without a setting for the address, the section is named. */
export function RunbookLink({ section }: { section: string | null }) {
  const address = useContext(SettingsContext)?.links.runbook;
  if (section === null) return null;
  if (!address)
    return (
      <>
        See <code>docs/runbook.md#{section}</code>.
      </>
    );
  return (
    <a href={`${address}#${section}`} target="_blank" rel={rel}>
      Runbook: {section.replaceAll('-', ' ')}
    </a>
  );
}
