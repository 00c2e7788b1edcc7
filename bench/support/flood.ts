/**
 * Floods a REST socket with GET /v1/buffers (autocannon) in a process of its own, until its standard
 * input ends; prints what was answered: `node flood.js SOCKET CONNECTIONS`.
 */
import autocannon from 'autocannon';

const [socketPath = '', connections = ''] = process.argv.slice(2);
const HOURS = 3600;

const flood = autocannon(
  {
    url: 'http://localhost/v1/buffers',
    socketPath,
    connections: Number(connections),
    duration: HOURS,
  },
  (error, result) => {
    if (error) throw error;
    const { '2xx': lists, non2xx, errors, duration } = result;
    console.log(JSON.stringify({ lists, non2xx, errors, duration }));
  },
);
process.stdin.on('end', () => flood.stop()).resume();
