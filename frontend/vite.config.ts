import react from '@vitejs/plugin-react'
import { defineConfig, loadEnv, type ProxyOptions } from 'vite'

export default defineConfig(({ mode }) => {
  const env = loadEnv(mode, '.', ['API_', 'UI_'])
  const target = `http://127.0.0.1:${env['API_PORT'] ?? '18080'}`
  // Pages and API share an origin and some paths (/orders/{id}, /pipeline): who asks for HTML gets the
  // page, everything else goes to the API.
  const shared: ProxyOptions = {
    target,
    bypass: (request) => (request.headers.accept?.includes('text/html') ? '/index.html' : undefined),
  }
  const plain: ProxyOptions = { target }
  return {
    base: '/',
    plugins: [react()],
    build: { manifest: true, assetsInlineLimit: 0 },
    server: {
      host: '127.0.0.1',
      port: Number(env['UI_PORT'] ?? '15173'),
      proxy: {
        '/orders': shared,
        '/pipeline': shared,
        '/analytics': plain,
        '/events': plain,
        '/admin': plain,
        '/health': plain,
        '/livez': plain,
        '/readyz': plain,
        '/metrics': plain,
        '/docs': plain,
        '/openapi.json': plain,
        '/asyncapi.json': plain,
      },
    },
  }
})
