/** Groups of parameters, each with settings of its own. */
import { OptionError } from '../autograd/errors.ts';
import { checkNames } from '../autograd/options.ts';
import { Tensor } from '../autograd/tensor.ts';

/** Parameters that an optimizer updates alike, with their settings. */
export type ParameterGroup<Settings extends object> = { readonly parameters: readonly Tensor[] } & Settings;

/** A group as it is given: the settings that it lacks are those of all groups. */
export type GroupOptions<Settings extends object> = {
  readonly parameters: Iterable<Tensor>;
} & { readonly [Name in keyof Settings]?: Settings[Name] };

/** What an optimizer trains: the tensors, or groups of them. */
export type OptimizedParameters<Settings extends object> = Iterable<Tensor> | Iterable<GroupOptions<Settings>>;

/** Only the settings of a group. */
export function settingsOf<Settings extends object>(
  group: Settings,
  names: Readonly<Record<keyof Settings, true>>,
): Settings {
  const keys = Object.keys(names) as (keyof Settings)[];
  return Object.fromEntries(keys.map((name) => [name, group[name]])) as Settings;
}

/** Without the options that are undefined. */
export function given<Options extends object>(options: Options): Options {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Options;
}

/** Makes the groups of an optimizer. @throws OptionError */
export function groupsOf<Settings extends object>(
  type: string,
  names: Readonly<Record<keyof Settings, true>>,
  parameters: OptimizedParameters<Settings>,
  defaults: Partial<Settings>,
): readonly ParameterGroup<Settings>[] {
  const items = listOf(`${type}: parameters`, parameters as Iterable<Tensor | GroupOptions<Settings>>);
  if (items.length === 0) throw new OptionError(`${type}: parameters must hold a tensor or more, got none.`);
  if (items.every((item) => item instanceof Tensor)) return Object.freeze([groupOf(items, names, defaults)]);
  return Object.freeze(
    items.map((item, i) => {
      const owner = `${type}, group ${i}`;
      if (item instanceof Tensor || typeof item !== 'object' || item === null || !('parameters' in item)) {
        throw new OptionError(
          `${type}: parameters must be tensors, or groups { parameters, lr, … }, got ${String(item)} as item ${i}.`,
        );
      }
      checkNames(owner, item as object, { parameters: true, ...names });
      const { parameters: tensors, ...own } = item;
      const list = listOf(`${owner}: parameters`, tensors);
      if (list.length === 0) throw new OptionError(`${owner}: parameters must hold a tensor or more, got none.`);
      const wrong = list.findIndex((one) => !(one instanceof Tensor));
      if (wrong >= 0) {
        throw new OptionError(`${owner}: parameters must be tensors, got ${String(list[wrong])} as item ${wrong}.`);
      }
      return groupOf(list, names, { ...defaults, ...(given(own) as Partial<Settings>) });
    }),
  );
}

/** Sealed, so that a misspelt setting is a TypeError. */
function groupOf<Settings extends object>(
  parameters: readonly Tensor[],
  names: Readonly<Record<keyof Settings, true>>,
  settings: Partial<Settings>,
): ParameterGroup<Settings> {
  const group = settingsOf(settings as Settings, names);
  const value = Object.freeze([...parameters]);
  return Object.seal(Object.defineProperty(group, 'parameters', { value, enumerable: true })) as never;
}

function listOf<Item>(owner: string, items: Iterable<Item>): Item[] {
  if (typeof (items as Partial<Iterable<Item>> | undefined)?.[Symbol.iterator] === 'function') return [...items];
  const found = typeof items === 'function' ? 'a function; call it' : String(items);
  throw new OptionError(`${owner} must be a list, such as that of model.parameters(), got ${found}.`);
}
