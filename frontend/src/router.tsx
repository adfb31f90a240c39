import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  type SearchSchemaInput,
} from '@tanstack/react-router'
import { filtersOf, parseSearch, stringifySearch, type Filters } from './filters/codec'
import { Crashed } from './shell/Crashed'
import { NotFound } from './shell/NotFound'
import { Shell } from './shell/Shell'

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound, errorComponent: Crashed })

const orders = createRoute({
  getParentRoute: () => root,
  path: '/',
  validateSearch: (search: Partial<Filters> & SearchSchemaInput): Filters => filtersOf(search),
  component: lazyRouteComponent(() => import('./orders/OrdersPage')),
})

const order = createRoute({
  getParentRoute: () => root,
  path: '/orders/$id',
  component: lazyRouteComponent(() => import('./order/OrderPage')),
})

const pipeline = createRoute({
  getParentRoute: () => root,
  path: '/pipeline',
  component: lazyRouteComponent(() => import('./pipeline/PipelinePage')),
})

const runtime = createRoute({
  getParentRoute: () => root,
  path: '/runtime',
  component: lazyRouteComponent(() => import('./runtime/RuntimePage')),
})

export const router = createRouter({
  routeTree: root.addChildren([orders, order, pipeline, runtime]),
  parseSearch,
  stringifySearch,
  defaultPreload: 'intent',
  defaultErrorComponent: Crashed,
  scrollRestoration: true,
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
