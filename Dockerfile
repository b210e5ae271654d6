# syntax=docker/dockerfile:1
# Three stages: the app (Node), the binary (Go, static), and an image that holds the binary and nothing else.

FROM node:20-bookworm-slim AS app
WORKDIR /src/frontend
COPY frontend/package.json frontend/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY backend/api /src/backend/api
COPY frontend ./
RUN npm run build

FROM golang:1.26-bookworm AS binary
WORKDIR /src/backend
ENV CGO_ENABLED=0 GOWORK=off
COPY backend/go.mod backend/go.sum ./
RUN go mod download
COPY backend ./
COPY --from=app /src/backend/web/dist ./web/dist
ARG VERSION=dev
RUN go build -trimpath -tags nomsgpack -ldflags "-s -w -X main.version=${VERSION}" -o /out/vestibule ./cmd/vestibule \
 && mkdir -p /out/data /out/secrets

FROM scratch
LABEL org.opencontainers.image.title="Vestibule" \
      org.opencontainers.image.description="The portal through which partners sign themselves up and become guests" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=binary /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=binary /usr/share/zoneinfo /usr/share/zoneinfo
COPY --from=binary --chown=65532:65532 /out/data /data
COPY --from=binary --chown=65532:65532 /out/secrets /secrets
COPY --from=binary /out/vestibule /vestibule
USER 65532:65532
ENV VESTIBULE_DATA_DIR=/data VESTIBULE_ADDR=0.0.0.0:8080
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --retries=3 --start-period=10s CMD ["/vestibule", "healthcheck"]
ENTRYPOINT ["/vestibule"]
CMD ["serve"]
