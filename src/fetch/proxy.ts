/** Reads the proxy settings from the environment. */
import { UsageError } from '../errors.ts';

/**
 * @param protocol `https:` or `http:`
 * @returns the variable that names a proxy for addresses of this protocol, if any. https falls back to the proxy of
 *   http. Lower case wins, as in other programs
 */
export function proxyVariable(protocol: string, env: NodeJS.ProcessEnv): string | undefined {
  const names = ['http_proxy', 'HTTP_PROXY'];
  if (protocol === 'https:') names.unshift('https_proxy', 'HTTPS_PROXY');
  return names.find((name) => env[name]);
}

/** Settings for undici's proxy agent. @throws UsageError naming the variable if it holds no usable proxy */
export function proxySettings(env: NodeJS.ProcessEnv): Record<'httpProxy' | 'httpsProxy' | 'noProxy', string> {
  const address = (protocol: string) => {
    const variable = proxyVariable(protocol, env);
    return variable ? checkProxy(variable, env[variable]!) : '';
  };
  return { httpProxy: address('http:'), httpsProxy: address('https:'), noProxy: env.no_proxy ?? env.NO_PROXY ?? '' };
}

function checkProxy(variable: string, text: string): string {
  const protocol = URL.canParse(text) ? new URL(text).protocol : undefined;
  if (protocol === 'http:' || protocol === 'https:') return text;
  // The value is not shown, because it may hold a password.
  throw new UsageError(
    `${variable}: expected the address of an http or https proxy, such as http://proxy.example:8080` +
      `${protocol ? `, found one that begins with ${protocol}` : ''}`,
  );
}
