/** From what REST asks for to what the broker is asked for: buffers and their tokens. */
import type { Broker } from '../../broker/broker.js';
import type { BrokerBuffer, Owner } from '../../broker/buffer.js';
import type { AllocationRequest } from '../../broker/request.js';
import type { TokenTerms } from '../../broker/tokens.js';
import { fourcc } from '../../memory/fourcc.js';
import { usageBits } from '../../memory/usage.js';
import type { CreateBuffer, Token, TokenRequest } from '../../rest/contract.js';
import { tokenView } from './views.js';

export function allocationRequest(request: CreateBuffer): AllocationRequest {
  const common = {
    usage: request.usage.reduce((bits, name) => bits | usageBits[name], 0),
    alignment: request.alignment ?? {},
    placement: request.placement,
    contiguous: request.contiguous,
  };
  return {
    spec:
      request.kind === 'buffer'
        ? { kind: 'buffer', size: request.size, ...common }
        : {
            kind: 'image',
            width: request.width,
            height: request.height,
            format: fourcc(request.format),
            modifiers: request.modifiers.map(BigInt),
            separatePlanes: request.separate_planes,
            ...(request.layout && { layout: request.layout }),
            ...common,
          },
    handleTypes: request.handle_types,
    allHandleTypes: request.all_handle_types,
    lifetime:
      request.lifetime.type === 'lease' ? { lease: request.lifetime.seconds } : 'until_released',
    name: request.name ?? null,
    lastingName: request.lasting_name ?? null,
    sources: request.sources ?? [],
    device: request.device,
    waitMs: request.wait_ms,
  };
}

export function tokenTerms({ uses, uid, seconds, may_renew }: TokenRequest): TokenTerms {
  return { uses, uid, seconds, mayRenew: may_renew };
}

export function share(
  broker: Broker,
  buffer: BrokerBuffer,
  terms: TokenRequest,
  by: Owner | null,
): Token {
  const { info, token } = broker.sharing.share(buffer, tokenTerms(terms), by);
  const { id, uses_left, expires_at } = tokenView(info, broker.clock);
  return { id, token, uses: uses_left, expires_at };
}
