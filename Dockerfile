# Two images: the whole platform in one container (docs/serve.md), the default, and `--target work`, a machine that scores the chunks of
# another server's jobs (docs/client-compute.md). Neither holds a secret; all that is kept lies in the volume /data of the first.
# syntax=docker/dockerfile:1

FROM node:24-slim AS build
WORKDIR /app
# The lock alone first: dependencies are a layer of their own, made again only when they change.
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
RUN npm run build:web
# What the console and the tests are built with stays behind; the S3 client, which the package leaves to whoever needs it, comes along.
RUN npm pkg set "dependencies.@aws-sdk/client-s3=$(npm pkg get 'devDependencies.@aws-sdk/client-s3' | tr -d '"')" \
  && npm pkg delete "devDependencies.@aws-sdk/client-s3" && npm install --omit=dev

FROM node:24-slim AS program
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/models ./models
COPY --from=build /app/src ./src
COPY --from=build /app/cli ./cli
# No shell between: SIGTERM reaches the program, which then stops in order.
ENTRYPOINT ["node", "cli/countenance.ts"]

# Scores for another server: `work <job> --direct <bucket>`, with COUNTENANCE_URL and COUNTENANCE_KEY. Writes nothing.
FROM program AS work
USER node
CMD ["work", "--any"]

FROM program
COPY --from=build /app/public ./public
# An ordinary user of the base image; the folder is made here so that the volume is its own.
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
EXPOSE 8787
# Alive and configured; /readyz says whether stores answer too, and is for whoever sends traffic.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8787/healthz').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
CMD ["serve", "--data", "/data", "--host", "0.0.0.0", "--port", "8787"]
