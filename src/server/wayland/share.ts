/** dmabroker_share_v1: a token for a buffer, and its end. The token stays when the object goes. */
import { dmabroker_share_v1 } from '../../protocol/dmabroker-v1.gen.js';
import type { Requests, Resource } from './resource.js';
import type { Subject } from './subject.js';

const ANY_UID = 0xffffffff;

/** What `share` asks for, as it was sent. */
export interface SharedTerms {
  readonly uses: number;
  readonly uid: number;
  readonly seconds: number;
  readonly rights: number;
}

export class ShareObject implements Requests<typeof dmabroker_share_v1> {
  readonly #resource: Resource<typeof dmabroker_share_v1>;
  /** There is a token. */
  #revoke: (() => void) | null = null;

  constructor(
    private readonly subject: Subject,
    id: number,
  ) {
    this.#resource = subject.connection.objects.create(
      id,
      dmabroker_share_v1,
      subject.version,
      this,
    );
  }

  /** Once: the buffer is shared when that is the request's turn. */
  begin({ uses, uid, seconds, rights }: SharedTerms): void {
    const { right } = dmabroker_share_v1.enums;
    const resource = this.#resource;
    if ((rights & ~right.renew) !== 0) resource.error('invalid_rights', `rights ${rights}`);
    const { broker, connection, awaited } = this.subject;
    const { owner } = connection;
    const terms = {
      uses,
      uid: uid === ANY_UID ? null : uid,
      seconds: seconds === 0 ? null : seconds,
      mayRenew: (rights & right.renew) !== 0,
    };
    awaited.ask(
      (buffer) => {
        const { info, token } = broker.sharing.share(buffer, terms, owner);
        this.#revoke = () => broker.sharing.revoke(buffer, info.id, owner);
        resource.event('token_id', info.id);
        resource.event('token', token);
      },
      (error) => this.subject.refused(error, resource),
    );
  }

  destroy(): void {}

  revoke(): void {
    this.subject.awaited.add(() => this.#revoke?.());
  }
}
