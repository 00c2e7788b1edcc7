/**
 * Every type that a caller meets has a name to write: what the library's own declarations mention is
 * exported by its index, too.
 */
import { fileURLToPath } from 'node:url';
import t from 'tap';
import ts from 'typescript';

const index = fileURLToPath(new URL('../../../src/client/index.ts', import.meta.url));
const program = ts.createProgram([index], {
  strict: true,
  noEmit: true,
  skipLibCheck: true,
  module: ts.ModuleKind.NodeNext,
  target: ts.ScriptTarget.ES2023,
  types: ['node'],
});
const checker = program.getTypeChecker();
const source = program.getSourceFile(index);
const module = source && checker.getSymbolAtLocation(source);
if (module === undefined) throw new Error('there is no index');

const resolved = (symbol: ts.Symbol): ts.Symbol =>
  (symbol.flags & ts.SymbolFlags.Alias) !== 0 ? checker.getAliasedSymbol(symbol) : symbol;
const exported = new Set(checker.getExportsOfModule(module).map(resolved));

/** Not a caller's: what the connection itself tells its objects, and how they are made. */
const INTERNAL =
  /^(BufferHome|BufferNews|Connection|Mapping|WireClient|ProtocolObject|Listeners|ToldBuffer)$/;

const isPrivate = (node: ts.Node): boolean =>
  ts.isPrivateIdentifier((node as ts.NamedDeclaration).name ?? node) ||
  (ts.canHaveModifiers(node) &&
    (ts.getModifiers(node) ?? []).some(({ kind }) => kind === ts.SyntaxKind.PrivateKeyword));

/** The types that a declaration names, bodies left out. */
function named(declaration: ts.Node): ts.Symbol[] {
  const found: ts.Symbol[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isBlock(node) || ts.isConstructorDeclaration(node) || isPrivate(node)) return;
    if (ts.isPropertyDeclaration(node) && node.type === undefined) return;
    const name = ts.isTypeReferenceNode(node)
      ? node.typeName
      : ts.isExpressionWithTypeArguments(node)
        ? node.expression
        : undefined;
    const symbol = name && checker.getSymbolAtLocation(name);
    if (symbol) found.push(resolved(symbol));
    node.forEachChild(visit);
  };
  visit(declaration);
  return found;
}

const isOurs = (symbol: ts.Symbol): boolean =>
  (symbol.declarations ?? []).some((each) =>
    /\/src\/(?!.*node_modules)/.test(each.getSourceFile().fileName),
  ) && (symbol.flags & ts.SymbolFlags.TypeParameter) === 0;

t.test('every type that the exported ones mention is exported', async (t) => {
  let mentioned = 0;
  for (const symbol of exported) {
    for (const declaration of symbol.declarations ?? []) {
      for (const each of named(declaration)) {
        if (!isOurs(each) || INTERNAL.test(each.name)) continue;
        mentioned++;
        if (!exported.has(each)) t.fail(`${symbol.name} mentions ${each.name}`);
      }
    }
  }
  t.ok(mentioned > 30, `${mentioned} mentions`);
});
