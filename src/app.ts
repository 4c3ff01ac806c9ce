/** The whole server on one page, in the order it boots. */
import { randomUUID } from 'node:crypto';
import Fastify, { type FastifyInstance } from 'fastify';
import type { Config } from './config.ts';
import { events } from './contracts.ts';
import type { Clock } from './core/buckets.ts';
import type { Bus } from './core/bus.ts';
import { AppError } from './core/errors.ts';
import { createHub, type Hub } from './delivery/hub.ts';
import { watchLoad } from './delivery/load.ts';
import { prepareDataDir, readOrMakeJwtSecrets } from './plugins/data.dir.ts';
import { createGoogle } from './plugins/google/index.ts';
import { logOptions } from './plugins/log.ts';
import { createInspector } from './plugins/inspector/index.ts';
import { createMailer } from './plugins/mailer.ts';
import { createMedia } from './plugins/media/index.ts';
import { answers, connectMongo, prepareStore } from './plugins/mongo.ts';
import { registerArrival } from './plugins/arrival.ts';
import { registerPacing } from './plugins/pacing.ts';
import { registerSecurity } from './plugins/security.ts';
import { readTls, tendTls, type Tls } from './plugins/tls.ts';
import { createServices, type Services } from './services.ts';
import { upgrades } from './upgrades.ts';
import { createAuthenticate } from './transports/authenticate.ts';
import { createDispatch } from './transports/dispatch.ts';
import { registerDocs } from './transports/docs/index.ts';
import { createRates } from './transports/rates.ts';
import { registerRest } from './transports/rest/index.ts';
import { answerClientError, answerFrameworkError, registerErrors } from './transports/rest/errors.ts';
import { originsOf } from './transports/rest/origin.ts';
import { methods } from './transports/rest/routes.ts';
import { standingHeaders } from './transports/rest/standing.ts';
import { tusHeaders } from './transports/rest/tus.ts';
import { registerWebsocket } from './transports/websocket/index.ts';

/** What a test may set otherwise. */
export interface Overrides {
  passwordCost?: number;
  /** Seconds for which an access token is good, and milliseconds for which a connection outlives it. */
  accessTokenLifetime?: number;
  tokenGrace?: number;
  heartbeatMilliseconds?: number;
  /** Milliseconds for which read and delivery marks gather before others are told. */
  marksGather?: number;
  /** Milliseconds that each sync looks back behind the one before. */
  syncOverlap?: number;
  /** Milliseconds between two looks for files that nothing has, and for which a file stays when a message that had it is removed. */
  fileMilliseconds?: { sweep: number; release: number };
  /** Milliseconds between two looks for mails that have come up. */
  mailMilliseconds?: number;
  /** Milliseconds for which news of who is here gather. */
  presenceGather?: number;
  /** What rates, presence and typing are measured by. */
  clock?: Clock;
  /** Milliseconds between two looks at the files of the certificate. */
  tlsMilliseconds?: number;
  /** Sees every call of a service and every event on its way. */
  services?: (services: Services) => Services;
  bus?: (bus: Bus) => Bus;
}

/** Largest request body in bytes. */
const bodyLimit = 256 * 1024;

/** Milliseconds for requests that are under way when the server closes. */
const closingPatience = 2000;

/**
 * The server, ready to listen, on the MongoDB at `mongodbUri`. Closing it writes what is on its way and disconnects.
 * @throws StartupError if the store cannot be reached, or the certificate cannot be used
 */
export async function buildApp(config: Config, mongodbUri: string, overrides: Overrides = {}): Promise<FastifyInstance> {
  const tls = config.tls && (await readTls(config.tls));
  const app = createFastify(config, tls);
  if (tls) tendTls(app, tls, overrides.tlsMilliseconds ?? 5000);

  const connection = await connectMongo(mongodbUri);
  app.addHook('onClose', () => connection.close());

  const mailer = createMailer({ smtpUrl: config.smtpUrl, from: config.mailFrom, dataDir: config.dataDir, log: app.log });
  app.addHook('onClose', () => mailer.close());

  const hub = createLoadedHub(app);
  const built = createServices({
    connection,
    bus: overrides.bus?.(hub) ?? hub,
    mailer,
    google: config.google && createGoogle(config.google),
    jwtSecrets: config.jwtSecrets ?? (await readOrMakeJwtSecrets(config.dataDir)),
    passwordCost: overrides.passwordCost ?? 12,
    ...settingsOf(config),
    ...pacesOf(overrides),
    media: await openMedia(app, config),
    onError: (error) => app.log.error({ err: error }, 'store'),
  });
  const services = overrides.services?.(built.services) ?? built.services;
  app.addHook('onClose', () => built.drain());
  await prepareStore(mongodbUri, connection, upgrades);
  built.start();

  const rates = createRates(config.rateScale, overrides.clock);
  const dispatch = createDispatch(services, rates);
  const authenticate = createAuthenticate(services.sessions);
  const origins = originsOf(config);

  registerErrors(app);
  registerArrival(app);
  registerPacing(app);
  await registerSecurity(app, { publicUrl: config.publicUrl, origins, methods, exposed: [...standingHeaders, ...tusHeaders] });
  refuseWhileClosing(app, () => built.refuse());
  await registerWebsocket(app, { hub, dispatch, authenticate, rates, chats: services.chats, presence: services.presence, heartbeatMilliseconds: overrides.heartbeatMilliseconds ?? 30_000, tokenGrace: overrides.tokenGrace ?? 60_000 });
  await registerRest(app, { auth: services.auth, dispatch, authenticate, publicUrl: config.publicUrl, appUrl: config.appUrl, origins, isReady: () => answers(connection) });
  await registerDocs(app, config.publicUrl);
  return app;
}

async function openMedia(app: FastifyInstance, config: Config) {
  await prepareDataDir(config.dataDir);
  const inspector = createInspector((error) => app.log.error({ err: error }, 'a file'));
  app.addHook('onClose', () => inspector.close());
  return { ...(await createMedia(config)), inspector };
}

function createLoadedHub(app: FastifyInstance): Hub {
  const load = watchLoad();
  app.addHook('onClose', async () => load.stop());
  return createHub({ load, kindOf: (name) => events.get(name)?.shed });
}

const pacesOf = ({ marksGather = 250, presenceGather = 250, syncOverlap = 60_000, fileMilliseconds = { sweep: 60_000, release: 60_000 }, mailMilliseconds, accessTokenLifetime, clock }: Overrides) => ({ marksGather, presenceGather, syncOverlap, fileMilliseconds, mailMilliseconds, accessTokenLifetime, clock });

const settingsOf = ({ publicUrl, appUrl, returnPaths, rateScale, editWindow, fileLimits }: Config) => ({ publicUrl, appUrl, returnPaths, rateScale, editWindow, fileLimits });

function createFastify(config: Config, tls: Tls | undefined): FastifyInstance {
  return Fastify({
    logger: logOptions(config.logLevel),
    genReqId: () => randomUUID(),
    requestIdHeader: false,
    trustProxy: config.trustedProxies.length > 0 && [...config.trustedProxies],
    bodyLimit,
    return503OnClosing: false,
    frameworkErrors: (error, request, reply) => void answerFrameworkError(error, request, reply),
    clientErrorHandler: answerClientError,
    https: tls ?? null,
  });
}

/**
 * Also lets go of each connection once it is answered: kept alive, it would keep the server. So would one whose request
 * never arrives whole, or has not even begun.
 */
function refuseWhileClosing(app: FastifyInstance, refuseWaiting: () => void): void {
  let closing = false;
  app.addHook('preClose', async () => {
    closing = true;
    refuseWaiting();
    setTimeout(() => app.server.closeAllConnections(), closingPatience).unref();
  });
  app.addHook('onRequest', async () => {
    if (closing) throw new AppError('SHUTTING_DOWN');
  });
  app.addHook('onSend', async (_request, reply) => {
    if (closing) reply.header('connection', 'close');
  });
}
