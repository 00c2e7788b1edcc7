/**
 * What a scenario expects of an answer, and the values that it takes over from earlier ones: README.md has
 * the words. Nothing here knows of dmabroker.
 */
export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [name: string]: Json };

export type Bindings = ReadonlyMap<string, Json>;

/** The value that a path names: `$buffer.planes.0.stride`. Throws where there is none. */
function lookUp(path: string, bindings: Bindings): Json {
  const [name = '', ...rest] = path.split('.');
  let value = bindings.get(name);
  for (const key of rest) {
    if (typeof value !== 'object' || value === null) value = undefined;
    else value = (value as { readonly [name: string]: Json })[key];
  }
  if (value === undefined) throw new Error(`the scenario names $${path}, which nothing has bound`);
  return value;
}

/** Puts in what was bound: `"$buffer.id"` is the value itself, `"/v1/buffers/${buffer.id}"` has it as text. */
export function filled(template: Json, bindings: Bindings): Json {
  if (typeof template === 'string') {
    if (/^\$[a-z]/.test(template)) return lookUp(template.slice(1), bindings);
    return template.replaceAll(/\$\{([^}]+)\}/g, (_, path: string) => text(path, bindings));
  }
  if (Array.isArray(template)) return template.map((each: Json) => filled(each, bindings));
  if (typeof template !== 'object' || template === null) return template;
  return Object.fromEntries(
    Object.entries(template).map(([name, value]) => [name, filled(value, bindings)]),
  );
}

const text = (path: string, bindings: Bindings): string => {
  const value = lookUp(path, bindings);
  return typeof value === 'string' ? value : JSON.stringify(value);
};

const kindOf = (value: Json | undefined): string =>
  value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;

/** The operators: each says what is wrong, or null. */
const operators: Readonly<
  Record<string, (operand: Json, value: Json | undefined, at: string, known: Bindings) => string[]>
> = {
  $type: (operand, value, at) =>
    kindOf(value) === operand ? [] : [`${at}: a ${kindOf(value)}, no ${operand}`],
  $match: (operand, value, at) =>
    typeof value === 'string' && new RegExp(String(operand)).test(value)
      ? []
      : [`${at}: ${JSON.stringify(value)} does not match ${operand}`],
  $min: (operand, value, at) =>
    typeof value === 'number' && value >= Number(operand)
      ? []
      : [`${at}: ${JSON.stringify(value)} is less than ${operand}`],
  $max: (operand, value, at) =>
    typeof value === 'number' && value <= Number(operand)
      ? []
      : [`${at}: ${JSON.stringify(value)} is more than ${operand}`],
  $one_of: (operand, value, at, known) =>
    Array.isArray(operand) && operand.some((each) => mismatches(each, value, known).length === 0)
      ? []
      : [`${at}: ${JSON.stringify(value)} is none of ${JSON.stringify(operand)}`],
  $not: (operand, value, at, known) =>
    mismatches(operand, value, known).length > 0
      ? []
      : [`${at}: ${JSON.stringify(value)} should be something else`],
  $each: (operand, value, at, known) =>
    Array.isArray(value)
      ? value.flatMap((each, i) => mismatches(operand, each, known, `${at}[${i}]`))
      : [`${at}: no array`],
  $contains: (operand, value, at, known) =>
    Array.isArray(value) && value.some((each) => mismatches(operand, each, known).length === 0)
      ? []
      : [`${at}: nothing in ${JSON.stringify(value)} is ${JSON.stringify(operand)}`],
  $once: (operand, value, at, known) => {
    if (!Array.isArray(value)) return [`${at}: no array`];
    const count = value.filter((each) => mismatches(operand, each, known).length === 0).length;
    return count === 1 ? [] : [`${at}: ${JSON.stringify(operand)} is there ${count} times`];
  },
  $length: (operand, value, at, known) =>
    Array.isArray(value) || typeof value === 'string'
      ? mismatches(operand, value.length, known, `${at}.length`)
      : [`${at}: it has no length`],
  $absent: (operand, value, at) =>
    (value === undefined) === operand ? [] : [`${at}: ${JSON.stringify(value) ?? 'absent'}`],
};

/**
 * What in a value is not as the pattern says; nothing where it is. Objects may have more fields than their
 * pattern, arrays may not have more elements.
 */
export function mismatches(
  pattern: Json,
  value: Json | undefined,
  bindings: Bindings,
  at = 'answer',
): string[] {
  if (pattern === '$any') return value === undefined ? [`${at}: absent`] : [];
  if (typeof pattern === 'string') {
    const wanted = filled(pattern, bindings);
    return typeof wanted === 'object' && wanted !== null
      ? mismatches(wanted, value, bindings, at)
      : equal(wanted, value, at);
  }
  if (typeof pattern !== 'object' || pattern === null) return equal(pattern, value, at);
  if (Array.isArray(pattern)) {
    if (!Array.isArray(value)) return [`${at}: ${JSON.stringify(value) ?? 'absent'}, no array`];
    if (value.length !== pattern.length) {
      return [`${at}: ${value.length} elements, not ${pattern.length}: ${JSON.stringify(value)}`];
    }
    return pattern.flatMap((each: Json, i) => mismatches(each, value[i], bindings, `${at}[${i}]`));
  }
  return fields(pattern as { readonly [name: string]: Json }, value, bindings, at);
}

function fields(
  pattern: { readonly [name: string]: Json },
  value: Json | undefined,
  bindings: Bindings,
  at: string,
): string[] {
  return Object.entries(pattern).flatMap(([name, wanted]) => {
    if (name.startsWith('$')) {
      const operator = operators[name];
      if (operator === undefined) throw new Error(`there is no operator ${name}`);
      return operator(wanted, value, at, bindings);
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      return [`${at}: ${JSON.stringify(value) ?? 'absent'}, no object`];
    }
    const has = (value as { readonly [name: string]: Json })[name];
    return mismatches(wanted, has, bindings, `${at}.${name}`);
  });
}

const equal = (wanted: Json, value: Json | undefined, at: string): string[] =>
  wanted === value
    ? []
    : [`${at}: ${JSON.stringify(value) ?? 'absent'}, not ${JSON.stringify(wanted)}`];
