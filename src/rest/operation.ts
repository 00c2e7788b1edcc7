/**
 * Each operation of openapi.yaml by its operationId: what a request that was validated brings, and what
 * its answer says. Both threads that answer operations take their types from here.
 */
import type { operations } from './openapi.gen.js';

/** HEAD is answered by GET's. */
export type OperationId = Exclude<keyof operations, `head${string}`>;

type Parameters<Id extends OperationId> = operations[Id]['parameters'];
type Json<T> = T extends { content: { 'application/json': infer Value } } ? Value : never;
type Responses<Id extends OperationId> = operations[Id]['responses'];
type Success<Id extends OperationId> = Responses<Id>[keyof Responses<Id> & (200 | 201)];
type Given<T> = [T] extends [never] ? undefined : T;
type Empty<Id extends OperationId> = 204 extends keyof Responses<Id> ? null : never;

/** A validated request: everything that has a default in openapi.yaml is filled in. */
export interface Call<Id extends OperationId> {
  readonly params: Given<NonNullable<Parameters<Id>['path']>>;
  readonly query: Given<NonNullable<Parameters<Id>['query']>>;
  readonly body: Given<Json<NonNullable<operations[Id]['requestBody']>>>;
  /** The header If-Match: nothing is changed that is no longer so. */
  readonly ifMatch?: string;
}

/** The body of the answer where it goes well; null where it has none. */
export type Answer<Id extends OperationId> = Json<Success<Id>> | Empty<Id>;
