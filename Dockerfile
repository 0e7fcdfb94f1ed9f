# The webhook. Every replica runs `kthena-ascend serve` with the arguments of the Deployment (deploy/chart).
# --build-arg NODE_IMAGE=node:24.21.0-bookworm-slim@sha256:… pins the base; the labels come from `npm run release`.
ARG NODE_IMAGE=node:24.21.0-bookworm-slim
FROM ${NODE_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY src src
RUN npm run build

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev

FROM ${NODE_IMAGE}
ENV NODE_ENV=production
WORKDIR /app
COPY package.json ./
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /build/dist dist
COPY certs-scripts certs-scripts
COPY schemas schemas
USER 65532:65532
EXPOSE 8443 9090
ENTRYPOINT ["node", "/app/dist/main.js"]
CMD ["serve"]
