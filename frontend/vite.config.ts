import react from '@vitejs/plugin-react'
import { defineConfig, type ProxyOptions } from 'vite'

// Pages and API share an origin and some paths (/orders/{id}, /pipeline): a navigation asks for HTML
// and gets the page, everything else goes to the API.
const api: ProxyOptions = {
  target: 'http://127.0.0.1:18080',
  bypass: (request) => (request.headers.accept?.includes('text/html') ? '/index.html' : undefined),
}
const document: ProxyOptions = { target: 'http://127.0.0.1:18080' }

export default defineConfig({
  base: '/',
  plugins: [react()],
  build: { manifest: true, assetsInlineLimit: 0, chunkSizeWarningLimit: 400 },
  server: {
    host: '127.0.0.1',
    port: 15173,
    proxy: {
      '/orders': api,
      '/pipeline': api,
      '/analytics': api,
      '/events': api,
      '/admin': api,
      '/health': document,
      '/readyz': document,
      '/docs': document,
      '/openapi.json': document,
      '/asyncapi.json': document,
    },
  },
})
