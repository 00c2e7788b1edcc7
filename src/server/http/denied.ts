/**
 * A request that its sender may not send, or not from there: refused before anybody else is asked, so
 * that it is the server that has to tell of it.
 */
import { BrokerError } from '../../memory/errors.js';

export class Denied extends BrokerError {}
